import type { Handlers } from '../../shared/contract/calls.ts';
import type { Site } from '../../shared/contract/sites.ts';
import { AppError, toErrorBody } from '../../shared/errors.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { SiteRow, VcenterRow, VmaAccess, VmaRow, Vmas } from '../ports/sites.ts';
import type { ConnectionStep, VcenterSite } from '../ports/vcenter.ts';
import type { UsecaseParts } from './parts.ts';

type Rows = UsecaseParts['rows'];

/** What the sites of a data directory need, whatever its role. */
export type SiteParts = Pick<UsecaseParts, 'vcenters' | 'vault' | 'store' | 'clock' | 'ids'> & {
  readonly rows: Pick<Rows, 'sites' | 'audit'> & { readonly jobs: Pick<Rows['jobs'], 'activeOfSource'> };
  /** A VMA has none of its own. */
  readonly vmas?: Vmas;
};

/** Where the vault keeps the password of a vCenter, and the token of a VMA. */
export const passwordOf = (siteId: string): string => `site/${siteId}/password`;
export const tokenOf = (siteId: string): string => `site/${siteId}/token`;
const secretOf = ({ kind, id }: SiteRow): string => (kind === 'vma' ? tokenOf(id) : passwordOf(id));

export const listSites =
  (parts: SiteParts): Handlers['listSites'] =>
  async () => ({ sites: (await parts.rows.sites.list()).map((row) => siteDocument(parts, row)) });

export const readSiteCertificate =
  ({ vcenters }: SiteParts): Handlers['readSiteCertificate'] =>
  async ({ body }, { signal }) => {
    const { sha256, subject, issuer, validFrom, validTo } = await vcenters.certificate(body.url, { signal });
    return { sha256, subject, issuer, valid_from: validFrom, valid_to: validTo };
  };

export const removeSite =
  (parts: SiteParts): Handlers['removeSite'] =>
  async ({ params }, { signal, actor }) => {
    const { rows, store, vault } = parts;
    const row = await requireSite(parts, params.site_id);
    await store.write(async (tx) => {
      const active = await rows.jobs.activeOfSource(tx, row.id);
      if (active !== null)
        throw new AppError('SITE_IN_USE', `Migration ${active} is not finished.`, { migration_id: active });
      await rows.sites.remove(tx, row.id);
      await rows.audit.append(tx, { actor, act: 'site.remove', subject: row.id, details: { name: row.name } });
    });
    await placeOf(parts, row).close(row.id);
    await vault.remove(secretOf(row), { signal });
    return { site_id: row.id };
  };

export const testSite =
  (parts: SiteParts): Handlers['testSite'] =>
  async ({ params }, { signal }) => {
    const row = await requireSite(parts, params.site_id);
    const steps = [];
    for await (const step of stepsOf(parts, row, { signal })) steps.push({ ...step });
    return { ok: steps.every(({ ok }) => ok !== false), steps };
  };

const stepsOf = (parts: SiteParts, row: SiteRow, options: Signalled): AsyncIterable<ConnectionStep> =>
  row.kind === 'vma'
    ? vmasOf(parts).steps(withToken(parts, row, options), options)
    : parts.vcenters.steps(withPassword(parts, row, options), options);

export async function requireSite({ rows }: SiteParts, id: string): Promise<SiteRow> {
  const row = (await rows.sites.list()).find((candidate) => candidate.id === id);
  if (row === undefined) throw new AppError('NOT_FOUND', `There is no site ${id}.`);
  return row;
}

export const withPassword = ({ vault }: SiteParts, row: VcenterRow, options: Signalled): VcenterSite => ({
  ...row,
  password: () => vault.get(passwordOf(row.id), options),
});

export const withToken = ({ vault }: SiteParts, { id, url }: VmaRow, options: Signalled): VmaAccess => ({
  url,
  token: () => vault.get(tokenOf(id), options),
});

/** A site of this kind is a row, so there is who looks after it. */
export function vmasOf({ vmas }: SiteParts): Vmas {
  if (vmas === undefined) throw new AppError('INTERNAL', 'A VMA reaches no other VMA.');
  return vmas;
}

const placeOf = (parts: SiteParts, { kind }: SiteRow): Pick<Vmas, 'close' | 'state'> =>
  kind === 'vma' ? vmasOf(parts) : parts.vcenters;

export function siteDocument(parts: SiteParts, row: SiteRow): Site {
  const { state, error, seenAt, vmCount } = placeOf(parts, row).state(row.id);
  return {
    site_id: row.id,
    kind: row.kind,
    name: row.name,
    url: row.url,
    username: row.kind === 'vma' ? null : row.username,
    certificate_sha256: row.kind === 'vma' ? null : row.certificateSha256,
    created_at: row.createdAt,
    state,
    error: error === null ? null : toErrorBody(error),
    seen_at: seenAt,
    vm_count: vmCount,
  };
}
