import type { openRecords } from '../adapters/sqlite/open.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { Vault } from '../ports/vault.ts';
import { tokenOf } from '../usecases/sites.ts';
import { tellInventory } from './tell-inventory.ts';
import { createVmas } from './vmas.ts';

type Parts = {
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly log: Log;
} & Signalled;

/** Follows the VMAs of the records. */
export async function openVmas(parts: Parts): Promise<ReturnType<typeof createVmas>> {
  const { records, vault, clock, log, signal } = parts;
  const tell = tellInventory(parts);
  const opened = createVmas({
    clock,
    log,
    token: (siteId) => vault.get(tokenOf(siteId), { signal }),
    onChange: tell.changed,
  });
  for (const row of await records.sites.list()) if (row.kind === 'vma') await opened.vmas.open(row);
  return {
    ...opened,
    close: async () => {
      await opened.close();
      await tell.told();
    },
  };
}
