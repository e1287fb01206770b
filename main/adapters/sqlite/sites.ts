import { AppError } from '../../../shared/errors.ts';
import type { SiteRow, SiteRows } from '../../ports/sites.ts';
import { text } from './columns.ts';
import { type Database, type Row, sqlOf } from './database.ts';
import type { Place } from './place.ts';

const toSite = (row: Row): SiteRow => ({
  id: text(row, 'id'),
  name: text(row, 'name'),
  url: text(row, 'url'),
  username: text(row, 'username'),
  certificateSha256: text(row, 'certificate_sha256'),
  createdAt: text(row, 'created_at'),
});

export const createSiteRows = (database: Database, place: Place): SiteRows => ({
  list: async () => (await database.read.all('SELECT * FROM sites ORDER BY created_at, id')).map(toSite),
  insert: async (tx, site) => {
    const [twin] = await sqlOf(tx).all('SELECT id FROM sites WHERE name = ?', [site.name]);
    if (twin !== undefined) throw new AppError('SITE_EXISTS', `A site is already called ${site.name}.`);
    await sqlOf(tx).run(
      `INSERT INTO sites (id, environment_id, name, url, username, certificate_sha256, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      [site.id, place.environmentId, site.name, site.url, site.username, site.certificateSha256, site.createdAt],
    );
  },
  change: async (tx, { id, url, username, certificateSha256 }) => {
    await sqlOf(tx).run('UPDATE sites SET url = ?, username = ?, certificate_sha256 = ? WHERE id = ?', [
      url,
      username,
      certificateSha256,
      id,
    ]);
  },
  remove: async (tx, id) => {
    await sqlOf(tx).run('DELETE FROM sites WHERE id = ?', [id]);
  },
});
