import type { openRecords } from '../adapters/sqlite/open.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { Vault } from '../ports/vault.ts';
import { passwordOf } from '../usecases/sites.ts';
import { tellInventory } from './tell-inventory.ts';
import { createVcenters } from './vcenters.ts';

type Parts = {
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly log: Log;
} & Signalled;

/** Follows the vCenters of the records. */
export async function openVcenters(parts: Parts): Promise<ReturnType<typeof createVcenters>> {
  const { records, vault, clock, log, signal } = parts;
  const tell = tellInventory(parts);
  const vsphere = createVcenters({
    clock,
    log,
    ledgerOf: records.snapshotLedgerOf,
    password: (siteId) => vault.get(passwordOf(siteId), { signal }),
    onChange: tell.changed,
  });
  for (const row of await records.sites.list()) if (row.kind === 'vsphere') await vsphere.vcenters.open(row);
  return {
    ...vsphere,
    close: async () => {
      await vsphere.close();
      await tell.told();
    },
  };
}
