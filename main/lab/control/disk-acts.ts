import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { lowestDeviceId } from '../cloudstack/attach-rules.ts';
import { bareVolume, type LabVolume, newVolumeId } from '../state.ts';
import { type Acts, type ControlContext, count, liveVm, liveVolume, text } from './act.ts';

/** What may happen to disks without CloudStack being asked. */
export const diskActs: Acts = {
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
    const fresh = { ...bareVolume, state: 'Allocated', type: 'DATADISK' } as const;
    const copy: LabVolume = { ...volume, ...fresh, offeringId: volume.offeringId, id: randomUUID(), tags: [] };
    store.state.volumes.push(copy);
    return { volume: copy };
  },
  'POST volumes/:id/vanish': async (context, body, id) => {
    const volume = liveVolume(context, id);
    volume.removed = true;
    const device = body['keep_device'] === true ? 'kept' : await context.appliance.unplug(id);
    return { volume, device };
  },
  /** What an operator does on the hypervisor about a disk that CloudStack has forgotten. */
  'POST volumes/:id/virsh-detach': async ({ store, appliance }, _body, id) => {
    const device = await appliance.unplug(id);
    store.state.host.orphans = store.state.host.orphans.filter((orphan) => orphan.volumeId !== id);
    return { device };
  },
  /** Foreign disks of the appliance: nobody's in particular, without a tag, and no byte of them may ever change. */
  'POST sentinels': async (context, body) => {
    // The size of the smallest volume, so that a name can be exchanged between the two.
    const sizeMib = body['size_mib'] === undefined ? 1024 : count(body, 'size_mib', 65_536);
    if (sizeMib < 8) throw new AppError('INVALID_REQUEST', 'size_mib must be at least 8.');
    for (let left = count(body, 'count', 32); left > 0; left -= 1) await addSentinel(context, sizeMib);
    return sentinelsOf(context);
  },
  'GET sentinels': (context) => sentinelsOf(context),
};

async function addSentinel(context: ControlContext, sizeMib: number): Promise<void> {
  const { store, appliance, nowMs } = context;
  const { state } = store;
  const oma = liveVm(context, state.ids.omaVm);
  const volume: LabVolume = {
    ...bareVolume,
    id: newVolumeId(state),
    name: `sentinel-${state.sentinels.length + 1}`,
    accountId: oma.accountId,
    type: 'DATADISK',
    sizeBytes: sizeMib * 1024 ** 2,
    offeringId: state.ids.customOffering,
    createdAtMs: nowMs(),
    state: 'Ready',
    tags: [],
  };
  const sha256 = await appliance.fillSentinel(volume);
  Object.assign(volume, { vmId: oma.id, deviceId: lowestDeviceId(state, oma), attachedAtMs: nowMs() });
  state.volumes.push(volume);
  state.sentinels.push({ volumeId: volume.id, sha256 });
  if (oma.state === 'Running') await appliance.plug(volume);
}

/** Where the bytes of each lie, and what they hashed to when it was made. */
const sentinelsOf = ({ store, volumesDir }: ControlContext): object => ({
  sentinels: store.state.sentinels.map(({ volumeId, sha256 }) => ({
    volume_id: volumeId,
    path: join(volumesDir, `${volumeId}.raw`),
    sha256,
  })),
});
