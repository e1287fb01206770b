import type { openRecords } from '../adapters/sqlite/open.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { Vault } from '../ports/vault.ts';
import { passwordOf } from '../usecases/sites.ts';
import { createReadingTurns, type ReadingTurns } from './reading-turns.ts';
import { rememberMovers } from './remember-movers.ts';
import { tellInventory } from './tell-inventory.ts';
import { createVcenters } from './vcenters.ts';

type Parts = {
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly log: Log;
} & Signalled;

type OpenVcenters = ReturnType<typeof createVcenters> & {
  readonly readingTurns: ReadingTurns;
  /** What this machine can read disks with. */
  readonly present: ReturnType<typeof rememberMovers>;
};

/** Follows the vCenters of the records. */
export async function openVcenters(parts: Parts): Promise<OpenVcenters> {
  const { records, vault, clock, log, signal } = parts;
  const tell = tellInventory(parts);
  const readingTurns = createReadingTurns(() => {
    const { reads_per_host: perHost, reads_per_vcenter: perVcenter } = records.settings.get();
    return { perHost, perVcenter };
  });
  const present = rememberMovers({ clock, libdir: () => records.settings.get().vddk_libdir });
  const vsphere = createVcenters({
    clock,
    log,
    readingTurns,
    present,
    ledgerOf: records.snapshotLedgerOf,
    password: (siteId) => vault.get(passwordOf(siteId), { signal }),
    onChange: tell.changed,
  });
  for (const row of await records.sites.list()) if (row.kind === 'vsphere') await vsphere.vcenters.open(row);
  return {
    ...vsphere,
    readingTurns,
    present,
    close: async () => {
      await vsphere.close();
      await tell.told();
    },
  };
}
