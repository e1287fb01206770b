import { AppError } from '../../../shared/errors.ts';
import type { SiteRow, SiteRows } from '../../ports/sites.ts';
import { text } from './columns.ts';
import { type Database, type Row, sqlOf } from './database.ts';
import type { Place } from './place.ts';

function toSite(row: Row): SiteRow {
  const site = {
    id: text(row, 'id'),
    name: text(row, 'name'),
    url: text(row, 'url'),
    createdAt: text(row, 'created_at'),
  };
  if (text(row, 'kind') === 'vma') return { ...site, kind: 'vma' };
  const [username, certificateSha256] = [text(row, 'username'), text(row, 'certificate_sha256')];
  return { ...site, kind: 'vsphere', username, certificateSha256 };
}

const accessOf = (site: SiteRow): readonly [username: string, certificateSha256: string] =>
  site.kind === 'vma' ? ['', ''] : [site.username, site.certificateSha256];

export const createSiteRows = (database: Database, place: Place): SiteRows => ({
  list: async () => (await database.read.all('SELECT * FROM sites ORDER BY created_at, id')).map(toSite),
  insert: async (tx, site) => {
    const [twin] = await sqlOf(tx).all('SELECT id FROM sites WHERE name = ?', [site.name]);
    if (twin !== undefined) throw new AppError('SITE_EXISTS', `A site is already called ${site.name}.`);
    await sqlOf(tx).run(
      `INSERT INTO sites (id, environment_id, kind, name, url, username, certificate_sha256, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      [site.id, place.environmentId, site.kind, site.name, site.url, ...accessOf(site), site.createdAt],
    );
  },
  change: async (tx, site) => {
    await sqlOf(tx).run('UPDATE sites SET url = ?, username = ?, certificate_sha256 = ? WHERE id = ?', [
      site.url,
      ...accessOf(site),
      site.id,
    ]);
  },
  remove: async (tx, id) => {
    await sqlOf(tx).run('DELETE FROM sites WHERE id = ?', [id]);
  },
});
