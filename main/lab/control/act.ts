import { AppError } from '../../../shared/errors.ts';
import type { CallContext } from '../cloudstack/call.ts';
import type { Adversary } from '../oma/adversary.ts';
import type { LabVm, LabVolume } from '../state.ts';
import type { Vcenter } from '../vcenter/vcenter.ts';

export type ControlContext = CallContext & {
  readonly adversary: Adversary;
  readonly vmsDir: string;
  readonly volumesDir: string;
  readonly vcenter: Vcenter;
  /** Writes lab.json anew: how something is reached has changed. */
  announce(): Promise<void>;
};

export type ControlRequest = {
  readonly method: string;
  /** Below /lab/v1/, e.g. `volumes/<id>/vanish`. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
};

/** `:id` stands for one part of the path. */
export type Acts = Readonly<
  Record<string, (context: ControlContext, body: ControlRequest['body'], id: string) => Promise<object> | object>
>;

export function text(body: ControlRequest['body'], name: string): string {
  const value = body[name];
  if (typeof value !== 'string' || value === '') throw new AppError('INVALID_REQUEST', `${name} must be a text.`);
  return value;
}

export function count(body: ControlRequest['body'], name: string, most: number): number {
  const value = body[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new AppError('INVALID_REQUEST', `${name} must be a whole number from 1 to ${most}.`);
  }
  return value;
}

export function liveVolume({ store }: ControlContext, id: string): LabVolume {
  const volume = store.state.volumes.find((candidate) => candidate.id === id && !candidate.removed);
  if (volume === undefined) throw new AppError('NOT_FOUND', `There is no volume ${id}.`);
  return volume;
}

export function liveVm({ store }: ControlContext, id: string): LabVm {
  const vm = store.state.vms.find((candidate) => candidate.id === id && !candidate.removed);
  if (vm === undefined) throw new AppError('NOT_FOUND', `There is no VM ${id}.`);
  return vm;
}
