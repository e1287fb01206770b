import { randomUUID } from 'node:crypto';
import { AppError } from '../../../shared/errors.ts';
import { armFault } from '../faults.ts';
import { cloneVm } from '../images/clone.ts';
import type { Appliance } from '../oma/appliance.ts';
import { changeSettings } from '../settings.ts';
import type { LabVolume } from '../state.ts';
import type { Store } from '../store.ts';

export type ControlContext = {
  readonly store: Store;
  readonly appliance: Appliance;
  readonly vmsDir: string;
};

export type ControlRequest = {
  readonly method: string;
  /** Below /lab/v1/, e.g. `volumes/<id>/vanish`. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
};

type Act = (context: ControlContext, body: ControlRequest['body'], id: string) => Promise<object> | object;

/** What a test, or the demonstration of a fault, may do to the lab. `:id` stands for one part of the path. */
const acts: Readonly<Record<string, Act>> = {
  'GET state': ({ store }) => {
    const { volumes, jobs, vms, ids, host, faults, settings } = store.state;
    return { volumes, jobs, vms, ids, host, faults, settings };
  },
  'POST faults': ({ store }, body) => {
    const armed = armFault(body);
    store.state.faults.push(armed);
    return { armed };
  },
  'DELETE faults': ({ store }) => ({ disarmed: store.state.faults.splice(0) }),
  'POST settings': ({ store }, body) => {
    changeSettings(store.state.settings, body);
    return { settings: store.state.settings };
  },
  'POST restart-oma': ({ appliance }) => appliance.restart(),
  'POST swap': async ({ appliance, store }, body) => {
    const [a, b] = [text(body, 'volume_a'), text(body, 'volume_b')];
    await appliance.swap(a, b);
    return { swapped: store.state.host.devices.filter((device) => device.volumeId === a || device.volumeId === b) };
  },
  'POST exchange-bytes': async ({ appliance }, body) => {
    const [a, b] = [text(body, 'volume_a'), text(body, 'volume_b')];
    return { volume_a: a, volume_b: b, changed_bytes: await appliance.exchangeBytes(a, b) };
  },
  'POST volumes/duplicate': ({ store }, body) => {
    const name = text(body, 'name');
    const volume = store.state.volumes.find((candidate) => candidate.name === name && !candidate.removed);
    if (volume === undefined) throw new AppError('NOT_FOUND', `There is no volume named ${name}.`);
    const copy: LabVolume = { ...volume, ...unattached, id: randomUUID(), tags: [] };
    store.state.volumes.push(copy);
    return { volume: copy };
  },
  'POST volumes/:id/vanish': async ({ store, appliance }, body, id) => {
    const volume = store.state.volumes.find((candidate) => candidate.id === id && !candidate.removed);
    if (volume === undefined) throw new AppError('NOT_FOUND', `There is no volume ${id}.`);
    volume.removed = true;
    const device = body['keep_device'] === true ? 'kept' : await appliance.unplug(id);
    return { volume, device };
  },
  'POST vms/clone': async ({ vmsDir }, body) => {
    const copies = body['copies'];
    if (!Number.isSafeInteger(copies) || (copies as number) < 1 || (copies as number) > 1000) {
      throw new AppError('INVALID_REQUEST', 'copies must be a whole number from 1 to 1000.');
    }
    return { vms: await cloneVm(vmsDir, text(body, 'name'), copies as number) };
  },
};

const unattached = { state: 'Allocated', vmId: null, deviceId: null, attachedAtMs: null, deviceless: false } as const;

function text(body: ControlRequest['body'], name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '') throw new AppError('INVALID_REQUEST', `${name} must be a text.`);
  return value;
}

/** Answers say what was done; it is on the disk by then. */
export async function answerControl(context: ControlContext, request: ControlRequest): Promise<object> {
  const parts = request.path.split('/');
  const exact = acts[`${request.method} ${request.path}`];
  const pattern = acts[`${request.method} ${[parts[0], ':id', ...parts.slice(2)].join('/')}`];
  const act = exact ?? (parts.length === 3 ? pattern : undefined);
  if (act === undefined) throw new AppError('NOT_FOUND', `The lab has no ${request.method} ${request.path}.`);
  const done = await act(context, request.body, parts[1] ?? '');
  // Copied before the wait: what is answered is what was written.
  const answer = JSON.parse(JSON.stringify(done)) as object;
  await context.store.flush();
  return answer;
}
