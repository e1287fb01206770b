import type { Reply } from '../../../shared/contract/calls.ts';
import type { VmaEndpoints } from '../../../shared/contract/vma/all.ts';
import { AppError, asAppError, fromErrorBody } from '../../../shared/errors.ts';
import type { SourceImage } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DiskHasher } from '../../ports/disk-hasher.ts';
import type { Ids } from '../../ports/ids.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { VmaClient } from './client.ts';
import type { ClientOf } from './source.ts';
import { remoteDisk } from './source-vm.ts';

type Options = Signalled & { readonly onProgress?: (bytes: number) => void };
type Parts = { readonly clientOf: ClientOf; readonly clock: Clock; readonly ids: Ids };
type Work = { readonly source: SourceImage; readonly bytes: number; readonly chunks: readonly number[] | null };
type HashReply = Reply<'getHash', VmaEndpoints>;

const pollEveryMs = 400;
/** Reading a disk takes hours: a short silence is no reason to begin again. */
const silenceMs = 60_000;

/** The source's half of the proof: the VMA reads and hashes, the numbers come over. */
export function vmaSourceHasher({ clientOf, clock, ids }: Parts): Pick<DiskHasher, 'hashSource' | 'sourceChunks'> {
  // Work whose VMA fell silent goes on there: asked again with its id, its result is fetched, and nothing is read twice.
  const unfinished = new Map<string, string>();

  const run = async (work: Work, options: Options): Promise<HashReply> => {
    const { siteId, vmId, diskKey, snapshotMoRef } = remoteDisk(work.source);
    const client = clientOf(siteId);
    const key = JSON.stringify([siteId, vmId, diskKey, snapshotMoRef, work.bytes, work.chunks]);
    const id = unfinished.get(key) ?? ids.next();
    unfinished.set(key, id);
    const body = { id, vm_id: vmId, disk_key: diskKey, snapshot: snapshotMoRef, bytes: work.bytes };
    const chunks = work.chunks === null ? null : [...work.chunks];
    try {
      await client.call('startHash', { body: { ...body, chunks } }, options);
      const reply = await untilRead({ client, clock, id }, options);
      unfinished.delete(key);
      await stop(client, id);
      return reply;
    } catch (thrown) {
      if (options.signal.aborted || asAppError(thrown).code !== 'VMA_UNREACHABLE') {
        unfinished.delete(key);
        await stop(client, id);
      }
      throw thrown;
    }
  };

  return {
    hashSource: async (source, bytes, options) => {
      const { sha256, manifest_root: manifestRoot } = await run({ source, bytes, chunks: null }, options);
      if (sha256 === null || manifestRoot === null) throw lacks('the hash of the disk');
      return { sha256, manifestRoot, bytes, reader: 'stream' };
    },
    sourceChunks: async (source, { bytes, chunks }, options) => {
      const { digests } = await run({ source, bytes, chunks }, options);
      if (digests?.length !== chunks.length) throw lacks('the digests of the chunks');
      return digests;
    },
  };
}

const lacks = (what: string): AppError => new AppError('PROTOCOL_MISMATCH', `The VMA's answer lacks ${what}.`);

type Asked = { readonly client: VmaClient; readonly clock: Clock; readonly id: string };

async function untilRead({ client, clock, id }: Asked, { signal, onProgress }: Options): Promise<HashReply> {
  let heardMs = clock.monotonicMs();
  for (;;) {
    await clock.sleep(pollEveryMs, { signal });
    try {
      const reply = await client.call('getHash', { params: { id } }, { signal });
      heardMs = clock.monotonicMs();
      onProgress?.(reply.bytes_done);
      if (reply.state === 'done') return reply;
      if (reply.state !== 'running') throw failureOf(reply);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asAppError(thrown);
      if (error.code === 'NOT_FOUND') throw new AppError('VMA_UNREACHABLE', 'It was started anew while it read.');
      if (error.code !== 'VMA_UNREACHABLE' || clock.monotonicMs() - heardMs > silenceMs) throw error;
    }
  }
}

const failureOf = ({ state, error }: HashReply): AppError =>
  error === null ? new AppError('MOVER_FAILED', `The VMA says that the reading was ${state}.`) : fromErrorBody(error);

/** A VMA that cannot be told forgets by itself. */
async function stop(client: VmaClient, id: string): Promise<void> {
  // The caller's signal may be the reason why we are here; the call has its own limit.
  const { signal } = new AbortController();
  await client.call('stopHash', { params: { id } }, { signal }).catch((reason: unknown) => reason);
}
