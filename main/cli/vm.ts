import { type Client, createClient } from '../../shared/client/client.ts';
import type { Vm } from '../../shared/contract/vms.ts';
import { AppError } from '../../shared/errors.ts';
import { formatBytes } from '../../shared/units.ts';
import { connect } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { requireDataDir } from './serve.ts';
import type { Surroundings } from './surroundings.ts';

/** `ossea vm list`: every VM of every source, by name. */
export async function vmList(args: Arguments, around: Surroundings): Promise<number> {
  const client = createClient(connect(requireDataDir(args, around.env)).transport);
  const { vms } = await client.call('listVms', {}, around);
  const sorted = [...vms].sort((a, b) => a.name.localeCompare(b.name) || a.vm_id.localeCompare(b.vm_id));
  around.out(args.json ? `${JSON.stringify({ vms: sorted })}\n` : sorted.map((vm) => `${lineOf(vm)}\n`).join(''));
  return exitCodes.done;
}

const sizeOf = (vm: Vm): number => vm.disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0);

const lineOf = (vm: Vm): string =>
  [
    vm.name.padEnd(28),
    vm.power_state.padEnd(9),
    `${String(vm.disks.length)} disk${vm.disks.length === 1 ? ' ' : 's'}`.padStart(8),
    formatBytes(sizeOf(vm)).padStart(10),
    ` ${vm.folder_path ?? ''}`,
  ].join(' ');

/** `ossea vm show VM`: one VM by name or UUID, with all that its vCenter tells. */
export async function vmShow(args: Arguments, around: Surroundings): Promise<number> {
  const wanted = args.words[2];
  if (wanted === undefined) throw new AppError('INVALID_REQUEST', 'ossea vm show takes one VM.');
  const client = createClient(connect(requireDataDir(args, around.env)).transport);
  const vm = await vmNamed(client, wanted, around);
  const whole = await client.call('getVm', { params: { vm_id: vm.vm_id } }, around);
  around.out(`${JSON.stringify(whole, null, args.json ? undefined : 2)}\n`);
  return exitCodes.done;
}

/** The VM of this name or UUID; a name that several have is refused with their UUIDs. */
export async function vmNamed(client: Client, wanted: string, around: Surroundings): Promise<Vm> {
  const { vms } = await client.call('listVms', {}, around);
  const found = vms.filter((vm) => vm.name === wanted || vm.vm_id === wanted);
  const [vm] = found;
  if (vm === undefined) throw new AppError('NOT_FOUND', `No source lists a VM ${wanted}.`);
  if (found.length === 1) return vm;
  const places = found.map((one) => `${one.vm_id} ${one.folder_path ?? ''}`).join('\n  ');
  throw new AppError('INVALID_REQUEST', `${String(found.length)} VMs are called ${wanted}: use the UUID.\n  ${places}`);
}
