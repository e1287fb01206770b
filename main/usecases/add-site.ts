import type { CallContext, Handlers } from '../../shared/contract/calls.ts';
import type { Site } from '../../shared/contract/sites.ts';
import type { SiteRow, VcenterRow, VmaRow } from '../ports/sites.ts';
import { passwordOf, type SiteParts, siteDocument, tokenOf, vmasOf } from './sites.ts';

export const addSite =
  (parts: SiteParts): Handlers['addSite'] =>
  async ({ body }, context) => {
    const row: VcenterRow = {
      ...newRow(parts, body, context),
      kind: 'vsphere',
      username: body.username,
      certificateSha256: body.certificate_sha256,
    };
    await parts.vcenters.verify({ ...row, password: () => Promise.resolve(body.password) }, context);
    await keep(parts, { row, name: passwordOf(row.id), secret: body.password }, context);
    await parts.vcenters.open(row);
    return siteDocument(parts, row);
  };

export const addVma =
  (parts: SiteParts): Handlers['addVma'] =>
  async ({ body }, context): Promise<Site> => {
    const row: VmaRow = { ...newRow(parts, body, context), kind: 'vma' };
    await vmasOf(parts).verify({ url: row.url, token: () => Promise.resolve(body.token) }, context);
    await keep(parts, { row, name: tokenOf(row.id), secret: body.token }, context);
    await vmasOf(parts).open(row);
    return siteDocument(parts, row);
  };

const newRow = (
  { clock, ids }: SiteParts,
  { name, url }: { readonly name: string; readonly url: string },
  { requestId }: CallContext,
) => ({ id: requestId ?? ids.next(), name, url, createdAt: clock.now() });

type Kept = { readonly row: SiteRow; readonly name: string; readonly secret: string };

async function keep(
  { rows, store, vault }: SiteParts,
  { row, name, secret }: Kept,
  { signal, actor }: CallContext,
): Promise<void> {
  // First the secret: a row without one could never sign in. A secret without a row is overwritten or never read.
  await vault.put(name, secret, { signal });
  const { id: subject, createdAt: _, ...details } = row;
  await store.write(async (tx) => {
    await rows.sites.insert(tx, row);
    await rows.audit.append(tx, { actor, act: 'site.add', subject, details });
  });
}
