import type { FeedMessage } from '../../shared/contract/events.ts';
import { AppError } from '../../shared/errors.ts';
import type { Log } from '../ports/log.ts';
import type { EventHistory } from '../ports/rows.ts';
import type { Feed } from '../usecases/feed.ts';
import type { Scheduler } from '../usecases/schedules/scheduler.ts';

type Parts = {
  readonly scheduler: Scheduler;
  readonly feed: Feed;
  readonly history: EventHistory;
  readonly log: Log;
};

/** The scheduler looks again when the feed tells of something that may make a schedule due, or free a place. */
export async function keepSchedules({ scheduler, feed, history, log }: Parts): Promise<() => Promise<void>> {
  const closing = new AbortController();
  const { signal } = closing;
  const { newest } = await history.bounds();
  const deliver = (message: FeedMessage): void => {
    if (message.kind === 'resync' || (message.kind === 'event' && concerns(message.event.body))) scheduler.reconsider();
  };
  const ended = Promise.all([
    feed.follow(history, { after: newest, deliver, signal }),
    scheduler.run({ signal }),
  ]).catch((error: unknown) => {
    log.error('schedules are no longer kept', { error });
  });
  return async () => {
    closing.abort(new AppError('SHUTTING_DOWN'));
    await ended;
  };
}

type Body = Extract<FeedMessage, { kind: 'event' }>['event']['body'];

function concerns(body: Body): boolean {
  if (body.type === 'migration.changed')
    return body.migration.completed_at !== null || body.migration.status === 'held';
  return body.type === 'schedule.changed' || body.type === 'inventory.changed';
}
