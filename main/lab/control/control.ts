import { AppError } from '../../../shared/errors.ts';
import { guestPowersOff } from '../cloudstack/vm-calls.ts';
import { armFault } from '../faults.ts';
import { cloneVm } from '../images/clone.ts';
import { changeSettings } from '../settings.ts';
import { type Acts, type ControlContext, type ControlRequest, count, liveVm, text } from './act.ts';
import { diskActs } from './disk-acts.ts';
import { vcenterActs } from './vcenter-acts.ts';

/** What a test, or the demonstration of a fault, may do to the lab. */
const acts: Acts = {
  'GET state': ({ store }) => {
    const { volumes, snapshots, jobs, vms, ids, host, faults, settings, adversary } = store.state;
    return { volumes, snapshots, jobs, vms, ids, host, faults, settings, adversary };
  },
  /** Every key of the lab: lab.json has only the admin's. */
  'GET accounts': ({ store }) => ({
    accounts: store.state.accounts.map(({ id, name, role, apiKey, secretKey }) => ({
      id,
      name,
      role,
      api_key: apiKey,
      secret_key: secretKey,
    })),
  }),
  'POST faults': ({ store }, body) => {
    const armed = armFault(body);
    store.state.faults.push(armed);
    return { armed };
  },
  'DELETE faults': ({ store }) => ({ disarmed: store.state.faults.splice(0) }),
  'POST settings': ({ store, adversary }, body) => {
    changeSettings(store.state.settings, body);
    adversary.follow();
    return { settings: store.state.settings };
  },
  'POST restart-oma': ({ appliance }) => appliance.restart(),
  'POST vms/clone': async ({ vmsDir, vcenter }, body) => {
    const vms = await cloneVm(vmsDir, text(body, 'name'), count(body, 'copies', 1000));
    await vcenter.context.vms.reload();
    return { vms };
  },
  /** The guest switches itself off: Running becomes Stopped without a call. */
  'POST vms/:id/power-off': async (context, _body, id) => {
    const vm = liveVm(context, id);
    await guestPowersOff(context, vm);
    return { vm };
  },
  /** As assignVirtualMachine: the VM and its disks belong to another account. */
  'POST vms/:id/assign': (context, body, id) => {
    const { accounts, volumes } = context.store.state;
    const account = accounts.find((candidate) => candidate.name === text(body, 'account'));
    if (account === undefined) throw new AppError('NOT_FOUND', `There is no account ${text(body, 'account')}.`);
    const vm = liveVm(context, id);
    vm.accountId = account.id;
    for (const volume of volumes) if (volume.vmId === id) volume.accountId = account.id;
    return { vm };
  },
  ...diskActs,
  ...vcenterActs,
};

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
