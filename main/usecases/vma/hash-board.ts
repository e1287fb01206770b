import type { VmaHash } from '../../../shared/contract/vma/hashes.ts';
import { AppError, toErrorBody } from '../../../shared/errors.ts';
import type { SourceImage } from '../../domain/vm.ts';
import type { DiskHasher } from '../../ports/disk-hasher.ts';

export type HashRequest = {
  readonly id: string;
  /** What was asked, to tell whether it is asked again. */
  readonly digest: string;
  readonly source: SourceImage;
  readonly bytes: number;
  readonly chunks: readonly number[] | null;
};

type Result = Pick<VmaHash, 'sha256' | 'manifest_root' | 'digests'>;

type Reading = {
  readonly digest: string;
  readonly source: SourceImage;
  document(): VmaHash;
  stop(): Promise<void>;
};

export type SourceHasher = Pick<DiskHasher, 'hashSource' | 'sourceChunks'>;

/** Disks that are read to be hashed, each by a program of its own; results stay until they are forgotten or this VMA ends. */
export type HashBoard = {
  get(id: string): VmaHash | null;
  /** The same id for the same request is the same work; for another request IDEMPOTENCY_KEY_REUSED. */
  begin(request: HashRequest): VmaHash;
  /** Resolves when its programs are dead and it is forgotten. */
  stop(id: string): Promise<void>;
  reads(snapshotMoRef: string): boolean;
  close(): Promise<void>;
};

export function createHashBoard({ hasher }: { readonly hasher: SourceHasher }): HashBoard {
  const readings = new Map<string, Reading>();
  return {
    get: (id) => readings.get(id)?.document() ?? null,
    begin: (request) => {
      const known = readings.get(request.id);
      if (known !== undefined && known.digest !== request.digest)
        throw new AppError('IDEMPOTENCY_KEY_REUSED', `Another request with the id ${request.id} came before.`);
      const reading = known ?? startReading(hasher, request);
      readings.set(request.id, reading);
      return reading.document();
    },
    stop: async (id) => {
      await readings.get(id)?.stop();
      readings.delete(id);
    },
    reads: (snapshotMoRef) =>
      [...readings.values()].some(
        ({ source, document }) =>
          source.format === 'snapshot' && source.snapshotMoRef === snapshotMoRef && document().state === 'running',
      ),
    close: async () => {
      await Promise.all([...readings.values()].map((reading) => reading.stop()));
    },
  };
}

function startReading(hasher: SourceHasher, { id, digest, source, bytes, chunks }: HashRequest): Reading {
  const cancelled = new AbortController();
  const { signal } = cancelled;
  let state: VmaHash['state'] = 'running';
  let bytesDone = 0;
  let error: VmaHash['error'] = null;
  let result: Result = { sha256: null, manifest_root: null, digests: null };

  const read = async (): Promise<Result> => {
    const options = {
      signal,
      onProgress: (done: number) => {
        bytesDone = done;
      },
    };
    if (chunks !== null)
      return { ...result, digests: [...(await hasher.sourceChunks(source, { bytes, chunks }, options))] };
    const { sha256, manifestRoot } = await hasher.hashSource(source, bytes, options);
    return { ...result, sha256, manifest_root: manifestRoot };
  };
  const ended = read().then(
    (found) => {
      result = found;
      state = 'done';
    },
    (thrown: unknown) => {
      state = signal.aborted ? 'stopped' : 'failed';
      error = signal.aborted ? null : toErrorBody(thrown);
    },
  );
  return {
    digest,
    source,
    document: () => ({ id, state, bytes_done: bytesDone, ...result, error }),
    stop: async () => {
      cancelled.abort(new AppError('CANCELLED'));
      await ended;
    },
  };
}
