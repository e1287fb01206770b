import { firstAfter, lastBetween, later, latest } from '../../domain/timetable.ts';
import type { Ids } from '../../ports/ids.ts';
import type { ScheduleRow, ScheduleRows } from '../../ports/schedules.ts';

type Parts = { readonly ids: Ids; readonly rows: { readonly schedules: ScheduleRows } };

export type DueOccurrence = {
  readonly occurrence: string;
  readonly startsAt: string;
  /** The first of several that were missed; one run stands for all of them. */
  readonly missedSince: string | null;
};

/** With jitter: of one occurrence always the same, so that a restart neither hurries nor delays it. */
export function startOf({ ids }: Pick<Parts, 'ids'>, { id, jitterSeconds }: ScheduleRow, occurrence: string): string {
  const chance = Number.parseInt(ids.digest({ id, occurrence }).slice(0, 12), 16);
  return later(occurrence, (chance % (jitterSeconds + 1)) * 1000);
}

/** The first occurrence that is not settled, whether past or to come. */
export async function firstUnsettled({ rows }: Parts, row: ScheduleRow, now: string): Promise<string | null> {
  let at = firstAfter(row, await settledAt(rows.schedules, row, now));
  // A clock that was ahead settled what now lies before it.
  while (at !== null && (await rows.schedules.isSettled(row.id, at))) at = firstAfter(row, at);
  return at;
}

/** What is to start now, or when to ask again; null when nothing comes any more. */
export async function lookAt(
  parts: Parts,
  row: ScheduleRow,
  now: string,
): Promise<{ readonly due: DueOccurrence } | { readonly startsAt: string } | null> {
  const first = await firstUnsettled(parts, row, now);
  if (first === null) return null;
  const startsAt = startOf(parts, row, first);
  if (startsAt > now) return { startsAt };
  const after = await settledAt(parts.rows.schedules, row, now);
  const hasStarted = (at: string): boolean => startOf(parts, row, at) <= now;
  const occurrence = lastBetween(row, { after, until: now }, hasStarted) ?? first;
  return { due: { occurrence, startsAt, missedSince: occurrence === first ? null : first } };
}

const settledAt = async (rows: ScheduleRows, { id, since }: ScheduleRow, now: string): Promise<string> =>
  latest(since, (await rows.settledUntil(id, now)) ?? since);
