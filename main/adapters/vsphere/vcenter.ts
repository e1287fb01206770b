import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { MoRef, Vcenter, VcenterSite } from '../../ports/vcenter.ts';
import { changedAreas } from './acts/changed-areas.ts';
import { shutDownGuest } from './acts/power.ts';
import { consolidate, readSnapshotDisks, removeSnapshot, takeSnapshot } from './acts/snapshots.ts';
import { runTask } from './acts/task.ts';
import { folderUrl, readSourceState } from './folder.ts';
import { collectOne } from './inventory/collect.ts';
import { collectVms, inOrder, readVm } from './inventory/list-vms.ts';
import { readInventory } from './inventory/read-inventory.ts';
import { filterSpec, oneObject } from './inventory/view.ts';
import { followVms, type Watched } from './inventory/watch-vms.ts';
import { checkPrivileges } from './privileges.ts';
import { type Connection, createSession, type Session } from './session.ts';
import { required, textOf } from './soap/element.ts';
import type { ReplyLimits } from './soap/read-reply.ts';
import { typedGroup, value } from './soap/request.ts';
import { createTransport } from './transport.ts';

export type VsphereOptions = VcenterSite & {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: ReplyLimits;
};

/** A vCenter as a migration needs it: one session, opened at first use. */
export function createVcenter({ clock, log, ...site }: VsphereOptions): Vcenter {
  const session = createSession(site, { transport: createTransport({ ...site, clock }), log });
  const { run } = session;
  const power =
    (method: string): Vcenter['powerOn'] =>
    async (moRef, options) => {
      await runTask(run, { method, target: vmRef(moRef) }, options);
    };
  return {
    ...inventoryCalls(session),
    about: async (options) => (await session.roots(options)).about,
    powerOn: power('PowerOnVM_Task'),
    powerOff: power('PowerOffVM_Task'),
    shutDownGuest: (moRef, options) => shutDownGuest(session, moRef, { ...options, clock }),
    enableChangeTracking: async (moRef, options) => {
      const args = [typedGroup('spec', 'VirtualMachineConfigSpec', value('changeTrackingEnabled', true))];
      await runTask(run, { method: 'ReconfigVM_Task', target: vmRef(moRef), args }, options);
    },
    takeSnapshot: (request, options) => takeSnapshot(session, request, options),
    removeSnapshot: (request, options) => removeSnapshot(session, request, options),
    consolidate: (moRef, options) => consolidate(session, moRef, options),
    snapshotDisks: (snapshot, options) =>
      run((connection) => readSnapshotDisks(connection, snapshot, options), options),
    changedAreas: (request, options) => changedAreas(session, request, options),
    folderUrl: (vm, disk) => folderUrl(site.url, vm, disk),
    sessionCookie: (options) => run((connection) => freshCookie(connection, options), options),
    sourceState: (moRef, options) => readSourceState(session, moRef, options),
    privileges: (options) => run((connection) => checkPrivileges(connection, options), options),
    clockSkewMs: (options) => run((connection) => clockSkewMs(connection, { ...options, clock }), options),
    close: session.close,
  };
}

const vmRef = (value: string): MoRef => ({ type: 'VirtualMachine', value });
const serviceInstance: MoRef = { type: 'ServiceInstance', value: 'ServiceInstance' };

type InventoryCalls = Pick<Vcenter, 'listVms' | 'vms' | 'vm' | 'watchVms' | 'inventory'>;

function inventoryCalls({ run }: Session): InventoryCalls {
  const vms: Vcenter['vms'] = (onPage, { signal }) =>
    run((connection) => collectVms(connection, { onPage, signal }), { signal });
  return {
    vms,
    listVms: async (options) => {
      // Keyed: after a renewed session VMs come again.
      const found = new Map<string, Parameters<Parameters<Vcenter['vms']>[0]>[0][number]>();
      await vms((page) => {
        for (const one of page) found.set(one.moRef, one);
      }, options);
      return inOrder([...found.values()]);
    },
    vm: (moRef, options) => run((connection) => readVm(connection, moRef, options), options),
    watchVms: async (onChanges, { signal }) => {
      const watched: Watched = new Map();
      // Each session may end one day; the watch goes on in the next one and tells only what differs.
      for (;;) await run((connection) => followVms(connection, { watched, onChanges, signal }), { signal });
    },
    inventory: (options) => run((connection) => readInventory(connection, options), options),
  };
}

/** A cookie of a session that has ended would be refused only in the middle of a copy. */
async function freshCookie(connection: Connection, signalled: Signalled): Promise<string> {
  const { rootFolder } = connection.roots;
  const spec = filterSpec('specSet', [{ type: rootFolder.type, paths: ['name'] }], [oneObject(rootFolder)]);
  await collectOne(connection, spec, signalled);
  return connection.cookie;
}

async function clockSkewMs(
  { call }: Connection,
  { clock, signal }: Signalled & { readonly clock: Clock },
): Promise<number> {
  const before = Date.parse(clock.now());
  const reply = await call('CurrentTime', serviceInstance, { signal });
  const middle = (before + Date.parse(clock.now())) / 2;
  return Date.parse(required(textOf(reply, 'returnval'), 'returnval')) - middle;
}
