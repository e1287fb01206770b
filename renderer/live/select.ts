import type { Migration } from '../../shared/contract/migrations.ts';
import { isEnded, type LiveState } from './entities.ts';

export const newestFirst = <T extends { readonly created_at: string }>(entries: readonly T[]): T[] =>
  [...entries].sort((a, b) => b.created_at.localeCompare(a.created_at));

export const unfinishedCount = (state: LiveState): number =>
  Object.values(state.migrations).filter((migration) => !isEnded(migration)).length;

export function lastMigrationByVm(migrations: LiveState['migrations']): ReadonlyMap<string, Migration> {
  const oldestFirst = newestFirst(Object.values(migrations)).reverse();
  return new Map(oldestFirst.map((migration) => [migration.vm_id, migration]));
}
