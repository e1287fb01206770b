import type { openRecords } from '../adapters/sqlite/open.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { SiteRow } from '../ports/sites.ts';
import type { Vault } from '../ports/vault.ts';
import { passwordOf } from '../usecases/sites.ts';
import type { LabFile } from './lab-process.ts';

type Parts = {
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly ids: Ids;
} & Signalled;

const name = 'Demo vCenter';

/** The lab's vCenter as a site like any other: its address may be another one since the last start. */
export async function keepDemoVcenter(access: LabFile['vcenter'], parts: Parts): Promise<void> {
  const { records, vault, clock, ids, signal } = parts;
  const known = (await records.sites.list()).find((site) => site.name === name);
  const site: SiteRow = {
    id: known?.id ?? ids.next(),
    kind: 'vsphere',
    name,
    url: access.url,
    username: access.username,
    certificateSha256: access.certificate_sha256,
    createdAt: known?.createdAt ?? clock.now(),
  };
  await vault.put(passwordOf(site.id), access.password, { signal });
  await records.store.write((tx) =>
    known === undefined ? records.sites.insert(tx, site) : records.sites.change(tx, site),
  );
}
