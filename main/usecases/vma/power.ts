import { AppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';
import { requireAtVcenter, specNow } from './require.ts';

export const getPowerState =
  (parts: VmaParts): VmaHandlers['getPowerState'] =>
  ({ params }, { signal }) =>
    stateNow(parts, params.vm_id, { signal });

export const powerOn =
  (parts: VmaParts): VmaHandlers['powerOn'] =>
  async ({ params }, { signal }) => {
    const { vcenter, moRef } = await requireAtVcenter(parts, params.vm_id, { signal });
    const before = await stateNow(parts, params.vm_id, { signal });
    if (before.power_state === 'on') return before;
    await vcenter.powerOn(moRef, { signal });
    return await requireState(parts, { vmId: params.vm_id, wanted: 'on' }, { signal });
  };

/** Says "off" only when vCenter does: a guest that was merely asked may write for minutes. */
export const powerOff =
  (parts: VmaParts): VmaHandlers['powerOff'] =>
  async ({ params, body }, { signal }) => {
    const { vcenter, moRef } = await requireAtVcenter(parts, params.vm_id, { signal });
    const before = await stateNow(parts, params.vm_id, { signal });
    if (before.power_state === 'off') return before;
    if (body.mode === 'guest') await vcenter.shutDownGuest(moRef, { signal, timeoutMs: body.timeout_seconds * 1000 });
    else await vcenter.powerOff(moRef, { signal });
    return await requireState(parts, { vmId: params.vm_id, wanted: 'off' }, { signal });
  };

async function stateNow(parts: VmaParts, vmId: string, options: Signalled) {
  const { powerState } = await specNow(parts, vmId, options);
  return { vm_id: vmId, power_state: powerState };
}

type Wanted = { readonly vmId: string; readonly wanted: 'on' | 'off' };

async function requireState(parts: VmaParts, { vmId, wanted }: Wanted, options: Signalled) {
  const now = await stateNow(parts, vmId, options);
  if (now.power_state === wanted) return now;
  throw new AppError(
    'VM_STATE',
    `vCenter says that the VM is ${now.power_state ?? 'in an unknown state'}, not ${wanted}.`,
  );
}
