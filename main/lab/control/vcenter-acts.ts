import { AppError } from '../../../shared/errors.ts';
import { mutateVm, setPower } from '../vcenter/acts.ts';
import type { Mutation } from '../vcenter/disks/mutate.ts';
import { privileges } from '../vcenter/privileges.ts';
import { newPassword } from '../vcenter/vm-state.ts';
import type { Vm } from '../vcenter/vms.ts';
import { type Acts, type ControlContext, type ControlRequest, text } from './act.ts';

type Body = ControlRequest['body'];

const vmNamed = ({ vcenter }: ControlContext, id: string): Vm => vcenter.context.vms.named(decodeURIComponent(id));

/** What may happen to vCenter and its VMs without a call. A VM is named by moref, instance UUID or name. */
export const vcenterActs: Acts = {
  'GET vcenter': ({ vcenter, store }) => ({
    access: vcenter.access(),
    sessions: vcenter.context.sessions.count(),
    denied: store.state.vcenter.denied,
    vms: vcenter.context.vms.all().map(({ plan, now }) => ({
      moref: plan.moref,
      vm_id: plan.vmId,
      name: plan.name,
      now,
    })),
  }),
  'POST vcenter/expire-sessions': ({ vcenter }) => ({ expired: vcenter.context.sessions.expire() }),
  'POST vcenter/certificate': async ({ vcenter, announce }) => {
    await vcenter.renewCertificate();
    await announce();
    return vcenter.access();
  },
  'POST vcenter/password': async ({ vcenter, store, announce }, body) => {
    store.state.vcenter.password = body['password'] === undefined ? newPassword() : text(body, 'password');
    await announce();
    return vcenter.access();
  },
  /** Exactly these are missing from now on; an empty list gives everything back. */
  'POST vcenter/privileges': ({ store, vcenter }, body) => {
    const denied = body['denied'];
    const known: readonly unknown[] = privileges;
    if (!Array.isArray(denied) || !denied.every((privilege) => known.includes(privilege))) {
      throw new AppError('INVALID_REQUEST', `denied must be a list of ${privileges.join(', ')}.`);
    }
    store.state.vcenter.denied = denied as string[];
    vcenter.context.changes.notify();
    return { denied };
  },
  'POST vcenter-vms/:id/mutate': async (context, body, id) => {
    const parts = context.vcenter.context;
    const vm = vmNamed(context, id);
    const wanted = mutationOf(body);
    return await parts.vms.inTurn(vm, () => mutateVm(parts, vm, wanted));
  },
  'POST vcenter-vms/:id/power': async (context, body, id) => {
    const vm = vmNamed(context, id);
    const power = text(body, 'state');
    if (power !== 'poweredOn' && power !== 'poweredOff') {
      throw new AppError('INVALID_REQUEST', 'state must be poweredOn or poweredOff.');
    }
    const parts = context.vcenter.context;
    await parts.vms.inTurn(vm, () => setPower(parts, vm, power));
    return { vm: vm.plan.moref, now: vm.now };
  },
  'POST vcenter-vms/:id/tools': (context, body, id) => {
    const vm = vmNamed(context, id);
    const tools = text(body, 'state');
    if (tools !== 'running' && tools !== 'notRunning' && tools !== 'notInstalled') {
      throw new AppError('INVALID_REQUEST', 'state must be running, notRunning or notInstalled.');
    }
    vm.now.tools = tools;
    context.vcenter.context.vms.changed(vm, 'state');
    return { vm: vm.plan.moref, now: vm.now };
  },
  /** Somebody edits the VM: changeVersion moves on. */
  'POST vcenter-vms/:id/reconfigure': (context, _body, id) => {
    const vm = vmNamed(context, id);
    context.vcenter.context.vms.changed(vm, 'config');
    return { vm: vm.plan.moref, now: vm.now };
  },
};

const TEBIBYTE = 1024 ** 4;

function mutationOf(body: Body): Mutation {
  const growGib = whole(body, 'grow_gib', { least: 0, most: 16_384, otherwise: 0 });
  // Growing alone is a change, too.
  const extents = whole(body, 'extents', { least: 0, most: 20_000, otherwise: growGib > 0 ? 0 : 4 });
  return {
    extents,
    growGib,
    bytes: whole(body, 'bytes', { least: 1, most: TEBIBYTE, otherwise: 1024 * 1024 }),
    zero: body['zero'] === true,
    unaligned: body['unaligned'] === true,
    seed: body['seed'] == null ? null : whole(body, 'seed', { least: 0, most: 0xffff_ffff, otherwise: 0 }),
  };
}

function whole(
  body: Body,
  name: string,
  { least, most, otherwise }: Record<'least' | 'most' | 'otherwise', number>,
): number {
  const value = body[name] ?? otherwise;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    throw new AppError('INVALID_REQUEST', `${name} must be a whole number from ${least} to ${most}.`);
  }
  return value;
}
