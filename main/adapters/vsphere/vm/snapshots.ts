import { AppError } from '../../../../shared/errors.ts';
import type { VmPowerState, VmSnapshot } from '../../../domain/vm-spec.ts';
import { unescapeName } from '../inventory/names.ts';
import { childrenOf, type Element, refAt, required, textOf, timeOf } from '../soap/element.ts';

const powerStates: Readonly<Record<string, VmPowerState>> = {
  poweredOn: 'on',
  poweredOff: 'off',
  suspended: 'suspended',
};

/** Never guessed: an unknown state taken for "off" would let a running VM be read. */
export function powerStateIn(text: string | null): VmPowerState {
  const state = text === null ? undefined : powerStates[text];
  if (state === undefined) throw new AppError('VCENTER_REPLY_INVALID', `Unknown power state ${String(text)}.`);
  return state;
}

export const snapshotsIn = (element: Element): VmSnapshot[] => childrenOf(element, 'rootSnapshotList').map(snapshotIn);

const snapshotIn = (element: Element): VmSnapshot => ({
  moRef: required(refAt(element, 'snapshot'), 'snapshot').value,
  name: unescapeName(textOf(element, 'name') ?? ''),
  createdAt: timeOf(element, 'createTime'),
  state: powerStateIn(textOf(element, 'state')),
  children: childrenOf(element, 'childSnapshotList').map(snapshotIn),
});
