import type { JobDisk } from '../../../shared/contract/vma/jobs.ts';
import { AppError, toErrorBody } from '../../../shared/errors.ts';
import type { MoverName } from '../../domain/copy-method.ts';
import { type Extent, totalBytes } from '../../domain/extent.ts';
import type { SourceImage } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Sender } from '../../ports/sender.ts';
import { createLatch } from './latch.ts';

export type DiskToSend = {
  readonly diskKey: number;
  readonly source: SourceImage;
  readonly url: string;
  readonly deviceBytes: number;
  readonly extents: readonly Extent[];
  readonly mover: MoverName;
  readonly because: string;
};

/** One attempt of one disk, from its start to its end; what it came to stays. */
export type DiskRun = {
  readonly attempt: number;
  readonly source: SourceImage;
  document(): JobDisk;
  bytesPerSecond(): number;
  /** Opens the gate, once; throws GATE_SHUT when nothing waits there. */
  open(): void;
  /** Resolves when its programs are dead. */
  stop(): Promise<void>;
  /** Resolves when the attempt before it is dead. */
  readonly alone: Promise<void>;
};

type Parts = {
  readonly disk: DiskToSend;
  readonly attempt: number;
  readonly name: string;
  readonly jobId: string;
  readonly previous: DiskRun | undefined;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly onChange: () => void;
};

export function startDiskRun({ disk, attempt, name, jobId, previous, sender, clock, onChange }: Parts): DiskRun {
  const [gate, cancelled] = [createLatch(), new AbortController()];
  const { signal } = cancelled;
  let state: JobDisk['state'] = 'starting';
  let error: JobDisk['error'] = null;
  let bytesWritten = 0;
  let openedMs = 0;
  const enter = (next: JobDisk['state']): void => {
    state = next;
    onChange();
  };
  const bytesTotal = totalBytes(disk.extents);
  const alone = previous === undefined ? Promise.resolve() : previous.stop();

  const send = async (): Promise<void> => {
    try {
      await alone;
      signal.throwIfAborted();
      await sender.send(
        {
          ...disk,
          name,
          attempt,
          jobId,
          untilOpened: (options) => {
            enter('connected');
            return gate.opened(options);
          },
          onProgress: (bytes) => {
            bytesWritten = bytes;
            onChange();
          },
        },
        { signal },
      );
      bytesWritten = bytesTotal;
      enter('done');
    } catch (thrown) {
      if (!signal.aborted) error = toErrorBody(thrown);
      enter(signal.aborted ? 'stopped' : 'failed');
    }
  };
  const ended = send();

  const run: DiskRun = {
    attempt,
    source: disk.source,
    alone,
    document: () => ({
      disk_key: disk.diskKey,
      attempt,
      state,
      mover: disk.mover,
      because: disk.because,
      bytes_total: bytesTotal,
      bytes_written: bytesWritten,
      error,
    }),
    bytesPerSecond: () => {
      const seconds = (clock.monotonicMs() - openedMs) / 1000;
      return state === 'copying' && seconds > 0 ? bytesWritten / seconds : 0;
    },
    open: () => {
      // Asked again after a lost answer.
      if (state === 'copying' || state === 'done') return;
      if (state !== 'connected') throw gateShut(run.document());
      openedMs = clock.monotonicMs();
      enter('copying');
      gate.open();
    },
    stop: async () => {
      cancelled.abort(new AppError('CANCELLED'));
      await ended;
    },
  };
  return run;
}

function gateShut({ disk_key: diskKey, state, attempt, error }: JobDisk): AppError {
  const why = error === null ? '' : ` (${error.code}: ${error.cause ?? error.error})`;
  return new AppError('GATE_SHUT', `Disk ${String(diskKey)} is ${state}${why}.`, { state, attempt });
}
