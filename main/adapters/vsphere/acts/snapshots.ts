import { AppError } from '../../../../shared/errors.ts';
import { allSnapshots, type VmDisk, type VmSnapshot } from '../../../domain/vm-spec.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { LedgerSnapshot, SnapshotLedger } from '../../../ports/snapshot-ledger.ts';
import type { MoRef, TaskOptions } from '../../../ports/vcenter.ts';
import { collect, collectOne } from '../inventory/collect.ts';
import { createNames } from '../inventory/names.ts';
import { filterSpec, inView, oneObject, withView } from '../inventory/view.ts';
import type { Connection, Session } from '../session.ts';
import { refOf, required } from '../soap/element.ts';
import { value } from '../soap/request.ts';
import { disksIn } from '../vm/disks.ts';
import { snapshotsIn } from '../vm/snapshots.ts';
import { diskOf } from '../vm/spec.ts';
import { runTask } from './task.ts';

const vmRef = (moRef: string): MoRef => ({ type: 'VirtualMachine', value: moRef });
const snapshotRef = (moRef: string): MoRef => ({ type: 'VirtualMachineSnapshot', value: moRef });

export type TakeSnapshot = {
  readonly vm: string;
  readonly id: string;
  readonly description: string;
  readonly quiesce: boolean;
  readonly ledger: SnapshotLedger;
};

/** Recorded before the act under a name that carries our id; so it is found again when the answer was lost. */
export async function takeSnapshot(
  session: Session,
  { vm, id, description, quiesce, ledger }: TakeSnapshot,
  options: TaskOptions,
): Promise<{ readonly moRef: string; readonly name: string }> {
  const name = `ossea-${id}`;
  const known = await ledger.find(id);
  if (known !== null && (known.vm !== vm || known.state === 'removed')) {
    throw new AppError('INVALID_REQUEST', `The id ${id} belongs to another snapshot.`, { id });
  }
  if (known === null) await ledger.record({ id, vm, name, moRef: null, state: 'intended' });
  const earlier = known === null ? null : await findOurs(session, known, options);
  const moRef = earlier?.moRef ?? (await create(session, { vm, name, description, quiesce }, options));
  await ledger.record({ id, vm, name, moRef, state: 'taken' });
  return { moRef, name };
}

async function create(
  { run }: Session,
  { vm, name, description, quiesce }: Omit<TakeSnapshot, 'id' | 'ledger'> & { readonly name: string },
  options: TaskOptions,
): Promise<string> {
  const args = [
    value('name', name),
    value('description', description),
    // The memory of the guest is not wanted: it would take long and be of no use.
    value('memory', false),
    value('quiesce', quiesce),
  ];
  const result = await runTask(run, { method: 'CreateSnapshot_Task', target: vmRef(vm), args }, options);
  return refOf(required(result, 'the new snapshot')).value;
}

/** Only what the ledger knows, and only under the name that it gave. Done when it is gone and the disks are one again. */
export async function removeSnapshot(
  session: Session,
  { vm, id, ledger }: { readonly vm: string; readonly id: string; readonly ledger: SnapshotLedger },
  options: TaskOptions,
): Promise<void> {
  const known = await ledger.find(id);
  if (known?.vm !== vm) throw new AppError('SNAPSHOT_NOT_OURS', `${id} of ${vm} is not in the ledger.`, { vm, id });
  const found = await findOurs(session, known, options);
  if (found !== null) {
    const args = [value('removeChildren', false), value('consolidate', true)];
    await runTask(session.run, { method: 'RemoveSnapshot_Task', target: snapshotRef(found.moRef), args }, options);
  }
  if (await session.run((connection) => needsConsolidation(connection, vm, options), options)) {
    await consolidate(session, vm, options);
  }
  await ledger.record({ ...known, state: 'removed' });
}

export async function consolidate({ run }: Session, vm: string, options: TaskOptions): Promise<void> {
  await runTask(run, { method: 'ConsolidateVMDisks_Task', target: vmRef(vm) }, options);
}

/** Of two of one name, or one that somebody renamed, none is certainly ours any more. */
async function findOurs(
  session: Session,
  { vm, name, moRef }: LedgerSnapshot,
  { signal }: Signalled,
): Promise<VmSnapshot | null> {
  const tree = await session.run((connection) => readSnapshots(connection, vm, { signal }), { signal });
  const all = allSnapshots(tree);
  const ours = all.filter((one) => (moRef === null ? one.name === name : one.moRef === moRef));
  const odd = ours.length > 1 || ours.some((one) => one.name !== name);
  if (odd) {
    const names = ours.map((one) => one.name).join(', ');
    throw new AppError('SNAPSHOT_NOT_OURS', `Instead of ${name}, ${vm} has: ${names}.`, { vm, name, moref: moRef });
  }
  return ours[0] ?? null;
}

async function readSnapshots(connection: Connection, vm: string, signalled: Signalled): Promise<VmSnapshot[]> {
  const wanted = { type: 'VirtualMachine', paths: ['name', 'snapshot'] };
  const spec = filterSpec('specSet', [wanted], [oneObject(vmRef(vm))]);
  const tree = (await collectOne(connection, spec, signalled)).properties.get('snapshot');
  return tree === undefined ? [] : snapshotsIn(tree);
}

async function needsConsolidation(connection: Connection, vm: string, { signal }: Signalled): Promise<boolean> {
  const wanted = { type: 'VirtualMachine', paths: ['name', 'runtime.consolidationNeeded'] };
  const spec = filterSpec('specSet', [wanted], [oneObject(vmRef(vm))]);
  const { properties } = await collectOne(connection, spec, { signal });
  return properties.get('runtime.consolidationNeeded')?.text === 'true';
}

export async function readSnapshotDisks(
  connection: Connection,
  snapshot: string,
  signalled: Signalled,
): Promise<VmDisk[]> {
  const wanted = { type: 'VirtualMachineSnapshot', paths: ['config.hardware.device'] };
  const spec = filterSpec('specSet', [wanted], [oneObject(snapshotRef(snapshot))]);
  const { properties } = await collectOne(connection, spec, signalled);
  const devices = required(properties.get('config.hardware.device') ?? null, 'config.hardware.device');
  const names = createNames(connection.roots.rootFolder.value);
  const datastores = [{ type: 'Datastore', paths: ['name'] }];
  await withView(connection, { types: ['Datastore'], ...signalled }, (view) =>
    collect(connection, filterSpec('specSet', datastores, [inView(view)]), { ...signalled, onObject: names.learn }),
  );
  return disksIn(devices).map((disk) => diskOf(disk, names));
}
