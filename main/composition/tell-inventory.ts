import type { openRecords } from '../adapters/sqlite/open.ts';
import type { Log } from '../ports/log.ts';

type Parts = { readonly records: Awaited<ReturnType<typeof openRecords>>; readonly log: Log };

/** A change of an inventory is told on the feed, one after the other. */
export function tellInventory({ records, log }: Parts): {
  readonly changed: (siteId: string) => void;
  /** Resolves when all that happened is told. */
  readonly told: () => Promise<void>;
} {
  let told: Promise<void> = Promise.resolve();
  const tell = async (siteId: string): Promise<void> => {
    await records.store.write(async (tx) => {
      await records.events.append(tx, { type: 'inventory.changed', site_id: siteId });
    });
  };
  return {
    changed: (siteId) => {
      told = told
        .then(() => tell(siteId))
        .catch((error: unknown) => {
          log.error('a change of an inventory could not be told', { error });
        });
    },
    told: () => told,
  };
}
