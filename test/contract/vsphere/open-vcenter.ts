import { createVcenter, type VsphereOptions } from '../../../main/adapters/vsphere/vcenter.ts';
import type { LedgerSnapshot, SnapshotLedger } from '../../../main/ports/snapshot-ledger.ts';
import type { Vcenter } from '../../../main/ports/vcenter.ts';
import { noLog } from '../../fixtures/no-log.ts';
import { realClock } from '../../fixtures/real-clock.ts';
import type { VcenterAccess } from '../../fixtures/vcsim.ts';
import { siteOf } from './vcenters.ts';

export const openVcenter = (access: VcenterAccess, more: Partial<VsphereOptions> = {}): Vcenter =>
  createVcenter({ ...siteOf(access), clock: realClock, log: noLog, ...more });

/** Whatever happens in it, the session is closed. */
export async function withVcenter<T>(access: VcenterAccess, work: (vcenter: Vcenter) => Promise<T>): Promise<T> {
  const vcenter = openVcenter(access);
  try {
    return await work(vcenter);
  } finally {
    await vcenter.close();
  }
}

export const within = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) });

export type MemoryLedger = SnapshotLedger & {
  /** Everything that was recorded, in its order. */
  readonly history: readonly LedgerSnapshot[];
  forget(id: string): void;
};

export function memoryLedger(): MemoryLedger {
  const rows = new Map<string, LedgerSnapshot>();
  const history: LedgerSnapshot[] = [];
  return {
    history,
    find: (id) => Promise.resolve(rows.get(id) ?? null),
    unremoved: () => Promise.resolve([...rows.values()].filter(({ state }) => state !== 'removed')),
    record: (snapshot) => {
      rows.set(snapshot.id, snapshot);
      history.push(snapshot);
      return Promise.resolve();
    },
    forget: (id) => rows.delete(id),
  };
}
