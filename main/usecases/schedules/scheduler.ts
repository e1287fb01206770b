import { asAppError, catalogue } from '../../../shared/errors.ts';
import { shortReason } from '../../engine/reason.ts';
import type { Log } from '../../ports/log.ts';
import type { ScheduleRow } from '../../ports/schedules.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { UsecaseParts } from '../parts.ts';
import { createAlarm } from './alarm.ts';
import { type DueOccurrence, lookAt } from './occurrences.ts';
import { type StartParts, startOccurrence } from './start-occurrence.ts';

export type Scheduler = {
  /** Why an occurrence that is due has not started; null when none is. */
  waiting(scheduleId: string): string | null;
  /** A schedule changed, a migration ended, a source was read: somebody may be due. */
  reconsider(): void;
  /** Starts what is due, until the signal aborts. */
  run(options: Signalled): Promise<void>;
};

type Parts = StartParts & Pick<UsecaseParts, 'store'> & { readonly log: Log };
type Due = { readonly row: ScheduleRow; readonly due: DueOccurrence };

/** No longer: while it naps, the clock on the wall may be put, or the machine may sleep. */
const longestNapMs = 60_000;

export function createScheduler(parts: Parts): Scheduler {
  const alarm = createAlarm(parts.clock);
  const waits = new Map<string, string>();
  return {
    waiting: (id) => waits.get(id) ?? null,
    reconsider: alarm.ring,
    run: async ({ signal }) => {
      const isOver = (): boolean => signal.aborted;
      while (!isOver()) {
        let napMs = longestNapMs;
        try {
          napMs = await startAllDue(parts, waits, { signal });
        } catch (error) {
          // Nothing was settled: whatever is due is found again.
          if (!isOver()) parts.log.error('schedules could not be looked at', { error });
        }
        await alarm.nap(napMs, { signal }).catch((reason: unknown) => {
          if (!isOver()) throw reason;
        });
      }
    },
  };
}

/** Tells how long there is nothing to do. */
async function startAllDue(parts: Parts, waits: Map<string, string>, options: Signalled): Promise<number> {
  const now = parts.clock.now();
  const due: Due[] = [];
  let napMs = longestNapMs;
  for (const row of await parts.rows.schedules.list()) {
    if (!row.enabled) continue;
    const found = await lookAt(parts, await notAhead(parts, row, now), now);
    if (found === null) continue;
    if ('due' in found) due.push({ row, due: found.due });
    else napMs = Math.min(napMs, Date.parse(found.startsAt) - Date.parse(now));
  }
  const ids = new Set(due.map(({ row }) => row.id));
  for (const id of waits.keys()) if (!ids.has(id)) waits.delete(id);
  due.sort((a, b) => (a.due.startsAt < b.due.startsAt ? -1 : 1));
  for (const one of due) {
    options.signal.throwIfAborted();
    const why = (await noRoom(parts)) ?? (await startOrSkip(parts, one, options));
    if (why === null) waits.delete(one.row.id);
    else waits.set(one.row.id, why);
  }
  return napMs;
}

/** Made or changed while the clock was ahead: without this it would be silent until that time comes again. */
async function notAhead({ store, rows }: Parts, row: ScheduleRow, now: string): Promise<ScheduleRow> {
  if (row.since <= now) return row;
  const mended = { ...row, since: now };
  await store.write((tx) => rows.schedules.put(tx, mended));
  return mended;
}

async function noRoom({ rows }: Parts): Promise<string | null> {
  const most = rows.settings.get().scheduled_migrations;
  const underWay = await rows.schedules.underWay();
  return underWay < most ? null : `${underWay} scheduled migrations are under way, as many as the settings allow.`;
}

/** Answers why it still waits; null when the occurrence is settled. What a repeat may mend is not settled. */
async function startOrSkip(parts: Parts, { row, due }: Due, options: Signalled): Promise<string | null> {
  try {
    await startOccurrence(parts, { row, due }, options);
    return null;
  } catch (thrown) {
    options.signal.throwIfAborted();
    const error = asAppError(thrown);
    if (catalogue[error.code].retry === 'backoff') return shortReason(error);
    if (error.code === 'INTERNAL') parts.log.error('a schedule met an unknown condition', { error: thrown });
    const { occurrence, missedSince } = due;
    const reason = error.reason ?? catalogue[error.code].summary;
    await parts.store.write((tx) =>
      parts.rows.schedules.settle(tx, {
        ...{ scheduleId: row.id, occurrence, missedSince, migrationId: null },
        ...{ code: error.code, reason, at: parts.clock.now() },
      }),
    );
    return null;
  }
}
