import { defaultSettings, type Settings, settings } from '../../../shared/contract/settings.ts';
import type { SettingRows } from '../../ports/rows.ts';
import { json, text } from './columns.ts';
import { type Database, sqlOf } from './database.ts';

export async function createSettingRows(database: Database): Promise<SettingRows> {
  const stored = await database.read.all(`SELECT name, value FROM settings WHERE name NOT LIKE '.%'`);
  let current: Settings = settings.parse({
    ...defaultSettings,
    ...Object.fromEntries(stored.map((row) => [text(row, 'name'), json(row, 'value')])),
  });
  return {
    get: () => current,
    change: async (tx, patch) => {
      const next = settings.parse({ ...current, ...patch });
      for (const [name, value] of Object.entries(patch)) {
        await sqlOf(tx).run(
          'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
          [name, JSON.stringify(value)],
        );
      }
      database.afterCommit(tx, () => {
        current = next;
      });
    },
  };
}

/** Facts about the data directory itself, fixed at its birth: names start with a dot. */
export async function fixedFact(database: Database, name: `.${string}`, first: string): Promise<string> {
  await database.write((tx) =>
    sqlOf(tx).run('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING', [
      name,
      JSON.stringify(first),
    ]),
  );
  const [row] = await database.read.all('SELECT value FROM settings WHERE name = ?', [name]);
  if (row === undefined) throw new Error(`the setting ${name} was not kept`);
  return String(json(row, 'value'));
}
