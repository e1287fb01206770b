import type { openRecords } from '../adapters/sqlite/open.ts';
import { createVmaClient } from '../adapters/vma/client.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { VmaRow, Vmas } from '../ports/sites.ts';
import type { Vault } from '../ports/vault.ts';
import { tokenOf } from '../usecases/sites.ts';
import type { EndpointFile } from './endpoint-file.ts';
import type { LabFile } from './lab-process.ts';

type Parts = {
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly vault: Vault;
  readonly vmas: Vmas;
  readonly clock: Clock;
  readonly ids: Ids;
} & Signalled;

const name = 'Demo VMA';
const vcenterName = 'Demo vCenter';

/** The lab's VMA as a site like any other: its address is another one after each of its starts. */
export async function keepDemoVma(vma: EndpointFile, parts: Parts): Promise<void> {
  const { records, vault, vmas, clock, ids, signal } = parts;
  const known = (await records.sites.list()).find((site) => site.name === name);
  const site: VmaRow = {
    kind: 'vma',
    id: known?.id ?? ids.next(),
    name,
    url: vma.url,
    createdAt: known?.createdAt ?? clock.now(),
  };
  await vault.put(tokenOf(site.id), vma.token, { signal });
  await records.store.write((tx) =>
    known === undefined ? records.sites.insert(tx, site) : records.sites.change(tx, site),
  );
  await vmas.open(site);
}

/** What a person does once at the VMA: only there the password of the vCenter is known. */
export async function giveDemoVcenter(
  { url, token }: EndpointFile,
  access: LabFile['vcenter'],
  { clock, signal }: { readonly clock: Clock } & Signalled,
): Promise<void> {
  const client = createVmaClient({ url, token: () => Promise.resolve(token), fetch, clock });
  const { sites } = await client.call('listSites', {}, { signal });
  const known = sites.find((site) => site.name === vcenterName);
  if (known?.url === access.url && known.certificate_sha256 === access.certificate_sha256) return;
  if (known !== undefined) await client.call('removeSite', { params: { site_id: known.site_id } }, { signal });
  await client.call('addSite', { body: { ...access, name: vcenterName } }, { signal });
}
