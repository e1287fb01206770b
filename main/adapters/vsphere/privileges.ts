import type { Signalled } from '../../ports/signalled.ts';
import type { MoRef, PrivilegeCheck } from '../../ports/vcenter.ts';
import { collect } from './inventory/collect.ts';
import { filterSpec, inView, withView } from './inventory/view.ts';
import type { Connection } from './session.ts';
import { childrenOf } from './soap/element.ts';
import { faultNameOf } from './soap/fault.ts';
import { ref, value } from './soap/request.ts';

type Needed = {
  readonly privilege: string;
  readonly neededFor: string;
  readonly on: 'root' | 'VirtualMachine' | 'Datastore';
};

const vm = 'VirtualMachine';

export const neededPrivileges: readonly Needed[] = [
  { privilege: 'System.Read', neededFor: 'reading the inventory', on: vm },
  { privilege: 'VirtualMachine.Interact.PowerOn', neededFor: 'starting the source again', on: vm },
  { privilege: 'VirtualMachine.Interact.PowerOff', neededFor: 'shutting the source down', on: vm },
  { privilege: 'VirtualMachine.State.CreateSnapshot', neededFor: 'copying a running VM', on: vm },
  { privilege: 'VirtualMachine.State.RemoveSnapshot', neededFor: 'removing our snapshots', on: vm },
  { privilege: 'VirtualMachine.Config.ChangeTracking', neededFor: 'copying only what changed', on: vm },
  { privilege: 'VirtualMachine.Config.DiskLease', neededFor: 'reading disks of a running VM', on: vm },
  { privilege: 'VirtualMachine.Provisioning.DiskRandomRead', neededFor: 'reading disks', on: vm },
  { privilege: 'VirtualMachine.Provisioning.DiskRandomAccess', neededFor: 'reading disks', on: vm },
  { privilege: 'Datastore.Browse', neededFor: 'reading disks of a VM that is off', on: 'Datastore' },
  { privilege: 'Datastore.FileManagement', neededFor: 'reading disks of a VM that is off', on: 'Datastore' },
  { privilege: 'Sessions.ValidateSession', neededFor: 'keeping the session for long copies', on: 'root' },
];

/**
 * One by one, on an object of the kind where it is needed: a role that is given on a folder only is as good there. Where
 * there is no such object yet, on the root.
 */
export async function checkPrivileges(connection: Connection, { signal }: Signalled): Promise<PrivilegeCheck[]> {
  const { rootFolder } = connection.roots;
  const checks: PrivilegeCheck[] = [];
  for (const on of ['VirtualMachine', 'Datastore', 'root'] as const) {
    const target = (on === 'root' ? null : await anyOf(connection, on, { signal })) ?? rootFolder;
    const needed = neededPrivileges.filter((one) => one.on === on);
    const granted = await ask(connection, { target, ids: needed.map(({ privilege }) => privilege), signal });
    for (const [index, { privilege, neededFor }] of needed.entries()) {
      const object = `${target.type} ${target.value}`;
      checks.push({ privilege, neededFor, object, granted: granted?.[index] ?? null });
    }
  }
  return checks;
}

/** null: this server cannot be asked. */
async function ask(
  { roots, key, call }: Connection,
  { target, ids, signal }: Signalled & { readonly target: MoRef; readonly ids: readonly string[] },
): Promise<boolean[] | null> {
  if (roots.authorizationManager === null) return null;
  try {
    const reply = await call('HasPrivilegeOnEntity', roots.authorizationManager, {
      args: [ref('entity', target), value('sessionId', key), ...ids.map((id) => value('privId', id))],
      signal,
    });
    return childrenOf(reply, 'returnval').map(({ text }) => text === 'true' || text === '1');
  } catch (error) {
    if (faultNameOf(error) === 'MethodNotFound') return null;
    throw error;
  }
}

async function anyOf(connection: Connection, type: string, { signal }: Signalled): Promise<MoRef | null> {
  let first: MoRef | null = null;
  await withView(connection, { types: [type], signal }, (view) =>
    collect(connection, filterSpec('specSet', [{ type, paths: ['name'] }], [inView(view)]), {
      onObject: ({ ref: found }) => {
        first ??= found;
      },
      maxObjects: 1,
      firstPageOnly: true,
      signal,
    }),
  );
  return first;
}
