import type { JobDisk } from '../../../shared/contract/vma/jobs.ts';
import { AppError, asAppError } from '../../../shared/errors.ts';
import { totalBytes } from '../../domain/extent.ts';
import type { ExportClient } from '../../ports/nbd-exports.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { bytesWrittenBy } from '../processes/proc.ts';
import { requireAlone } from './prove-connection.ts';
import { endedEarly, readRun, restarted, type VmaRun } from './run.ts';

const lookEveryMs = 200;
const askEveryMs = 200;
const stallTimeoutMs = 300_000;

/** True while the VMA does not answer. */
type Contact = { isLost: boolean };

/** Follows a run whose gate is open, from here and by what the VMA says, until the VMA says that it is done. */
export async function watchRun(run: VmaRun, proved: ExportClient, { signal }: Signalled): Promise<void> {
  const over = new AbortController();
  const stop = (): void => {
    over.abort(signal.reason);
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const contact: Contact = { isLost: false };
  const here = watchHere(run, { proved, contact }, over);
  const there = untilDone(run, contact, over);
  try {
    await Promise.race([here, there]);
  } finally {
    signal.removeEventListener('abort', stop);
    over.abort(new AppError('CANCELLED'));
    await Promise.allSettled([here, there]);
  }
}

type Watched = { readonly proved: ExportClient; readonly contact: Contact };

/** What the server of this side really wrote, and that nobody else writes; ends only with an error. */
async function watchHere(run: VmaRun, { proved, contact }: Watched, options: Signalled): Promise<never> {
  const { clock, request } = run;
  const limit = totalBytes(request.extents);
  let written = 0;
  let movedMs = clock.monotonicMs();
  for (;;) {
    await requireAlone(run, proved);
    const now = (bytesWrittenBy(proved.pid) ?? 0) - proved.bytesWritten;
    // A lost VMA is no stall: what it does is not known, and that is said.
    if (now > written || contact.isLost) movedMs = clock.monotonicMs();
    if (now > written) {
      written = now;
      request.onProgress?.(Math.min(written, limit));
    }
    if (clock.monotonicMs() - movedMs > stallTimeoutMs) {
      throw new AppError('MOVER_FAILED', `No byte was written for ${String(stallTimeoutMs / 1000)} s.`);
    }
    await clock.sleep(lookEveryMs, options);
  }
}

async function untilDone(run: VmaRun, contact: Contact, options: Signalled): Promise<void> {
  for (;;) {
    const row = await readPatiently(run, contact, options);
    if (row === null) throw restarted();
    if (row.state === 'done') return;
    if (row.state === 'failed' || row.state === 'stopped') throw endedEarly(row);
    await run.clock.sleep(askEveryMs, options);
  }
}

/** Rule M6: a VMA that does not answer may write on. It is neither done nor failed until it says so. */
async function readPatiently(run: VmaRun, contact: Contact, options: Signalled): Promise<JobDisk | null> {
  const read = async (): Promise<JobDisk | null | AppError> => {
    try {
      return await readRun(run, options);
    } catch (thrown) {
      const error = asAppError(thrown);
      if (options.signal.aborted || error.code !== 'VMA_UNREACHABLE') throw thrown;
      return error;
    }
  };
  const answer = await read();
  if (!(answer instanceof AppError)) return answer;
  contact.isLost = true;
  const reason = `VMA_UNREACHABLE: ${answer.reason ?? ''} Whether it still writes is not known.`;
  try {
    return await run.waiting(reason, async () => {
      for (;;) {
        await run.clock.sleep(askEveryMs, options);
        const later = await read();
        if (!(later instanceof AppError)) return later;
      }
    });
  } finally {
    contact.isLost = false;
  }
}
