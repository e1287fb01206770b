import type { Handlers } from '../../shared/contract/calls.ts';
import type { Site } from '../../shared/contract/sites.ts';
import { AppError, toErrorBody } from '../../shared/errors.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { SiteRow } from '../ports/sites.ts';
import type { VcenterSite } from '../ports/vcenter.ts';
import type { UsecaseParts } from './parts.ts';

type Rows = UsecaseParts['rows'];

/** What the sites of a data directory need, whatever its role. */
export type SiteParts = Pick<UsecaseParts, 'vcenters' | 'vault' | 'store' | 'clock' | 'ids'> & {
  readonly rows: Pick<Rows, 'sites' | 'audit'> & { readonly jobs: Pick<Rows['jobs'], 'activeOfSource'> };
};

/** Where the vault keeps the password of a site. */
export const passwordOf = (siteId: string): string => `site/${siteId}/password`;

export const listSites =
  (parts: SiteParts): Handlers['listSites'] =>
  async () => ({ sites: (await parts.rows.sites.list()).map((row) => siteDocument(parts, row)) });

export const readSiteCertificate =
  ({ vcenters }: SiteParts): Handlers['readSiteCertificate'] =>
  async ({ body }, { signal }) => {
    const { sha256, subject, issuer, validFrom, validTo } = await vcenters.certificate(body.url, { signal });
    return { sha256, subject, issuer, valid_from: validFrom, valid_to: validTo };
  };

export const addSite =
  (parts: SiteParts): Handlers['addSite'] =>
  async ({ body }, { signal, actor, requestId }) => {
    const { rows, store, vault, vcenters, clock, ids } = parts;
    const row: SiteRow = {
      id: requestId ?? ids.next(),
      name: body.name,
      url: body.url,
      username: body.username,
      certificateSha256: body.certificate_sha256,
      createdAt: clock.now(),
    };
    await vcenters.verify({ ...row, password: () => Promise.resolve(body.password) }, { signal });
    // First the secret: a row without one could never sign in. A secret without a row is overwritten or never read.
    await vault.put(passwordOf(row.id), body.password, { signal });
    await store.write(async (tx) => {
      await rows.sites.insert(tx, row);
      const details = { name: row.name, url: row.url, username: row.username, certificate: row.certificateSha256 };
      await rows.audit.append(tx, { actor, act: 'site.add', subject: row.id, details });
    });
    await vcenters.open(row);
    return siteDocument(parts, row);
  };

export const changeSite =
  (parts: SiteParts): Handlers['changeSite'] =>
  async ({ params, body }, { signal, actor }) => {
    const { rows, store, vault, vcenters } = parts;
    const old = await requireSite(parts, params.site_id);
    const row: SiteRow = {
      ...old,
      username: body.username ?? old.username,
      certificateSha256: body.certificate_sha256 ?? old.certificateSha256,
    };
    const { password } = body;
    const trial =
      password === undefined
        ? withPassword(parts, row, { signal })
        : { ...row, password: () => Promise.resolve(password) };
    await vcenters.verify(trial, { signal });
    if (password !== undefined) await vault.put(passwordOf(row.id), password, { signal });
    await store.write(async (tx) => {
      await rows.sites.change(tx, row);
      const details = {
        username: row.username,
        certificate: row.certificateSha256,
        password_changed: password !== undefined,
      };
      await rows.audit.append(tx, { actor, act: 'site.change', subject: row.id, details });
    });
    await vcenters.open(row);
    return siteDocument(parts, row);
  };

export const removeSite =
  (parts: SiteParts): Handlers['removeSite'] =>
  async ({ params }, { signal, actor }) => {
    const { rows, store, vault, vcenters } = parts;
    const row = await requireSite(parts, params.site_id);
    await store.write(async (tx) => {
      const active = await rows.jobs.activeOfSource(tx, row.id);
      if (active !== null)
        throw new AppError('SITE_IN_USE', `Migration ${active} is not finished.`, { migration_id: active });
      await rows.sites.remove(tx, row.id);
      await rows.audit.append(tx, { actor, act: 'site.remove', subject: row.id, details: { name: row.name } });
    });
    await vcenters.close(row.id);
    await vault.remove(passwordOf(row.id), { signal });
    return { site_id: row.id };
  };

export const testSite =
  (parts: SiteParts): Handlers['testSite'] =>
  async ({ params }, { signal }) => {
    const row = await requireSite(parts, params.site_id);
    const steps = [];
    for await (const step of parts.vcenters.steps(withPassword(parts, row, { signal }), { signal }))
      steps.push({ ...step });
    return { ok: steps.every(({ ok }) => ok !== false), steps };
  };

async function requireSite({ rows }: SiteParts, id: string): Promise<SiteRow> {
  const row = (await rows.sites.list()).find((candidate) => candidate.id === id);
  if (row === undefined) throw new AppError('NOT_FOUND', `There is no site ${id}.`);
  return row;
}

const withPassword = ({ vault }: SiteParts, row: SiteRow, options: Signalled): VcenterSite => ({
  ...row,
  password: () => vault.get(passwordOf(row.id), options),
});

function siteDocument({ vcenters }: SiteParts, row: SiteRow): Site {
  const { state, error, seenAt, vmCount } = vcenters.state(row.id);
  return {
    site_id: row.id,
    kind: 'vsphere',
    name: row.name,
    url: row.url,
    username: row.username,
    certificate_sha256: row.certificateSha256,
    created_at: row.createdAt,
    state,
    error: error === null ? null : toErrorBody(error),
    seen_at: seenAt,
    vm_count: vmCount,
  };
}
