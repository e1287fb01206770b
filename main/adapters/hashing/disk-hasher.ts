import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { Mapping } from '../../domain/device.ts';
import { isImageFile, type SourceImage } from '../../domain/vm.ts';
import { type DiskIdentity, exitCode, type HasherJob, type HasherLine } from '../../hasher/protocol.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DatastoreAccess } from '../../ports/datastore-access.ts';
import type { ChunkRequest, DiskHasher, Hash } from '../../ports/disk-hasher.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Signalled, Waiting } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { proveDevice } from '../processes/prove-device.ts';
import { runProgram } from '../processes/run-program.ts';
import { startSourceReader } from '../processes/source-reader.ts';
import { type HasherRun, runHasher } from './run-hasher.ts';

type Options = Signalled & {
  readonly onProgress?: (bytes: number) => void;
  readonly waiting?: Waiting | undefined;
};

type SourceContext = {
  /** The bundled hashing program. */
  readonly hasherPath: string;
  /** Node, or Electron, which then runs as Node. */
  readonly execPath: string;
  readonly stateDir: string;
  readonly manifestsDir: string;
  readonly clock: Clock;
  readonly datastores: DatastoreAccess;
};

type HasherContext = SourceContext & { readonly hostAccess: HostAccess };

type SourceHasher = Pick<DiskHasher, 'hashSource' | 'sourceChunks'>;

/** The half that needs no device: all that a machine does which only sends. */
export function createSourceHasher(context: SourceContext): SourceHasher {
  const { manifestsDir } = context;
  return {
    hashSource: async (source, bytes, options) => {
      const raw = source.format === 'raw';
      const job: HasherJob = {
        mode: 'hash',
        path: raw ? source.path : null,
        reader: 'stream',
        identity: null,
        bytes,
        deviceBytes: bytes,
        manifestsDir,
      };
      const run = raw
        ? await runHasher(context, job, options)
        : await throughReader(
            { ...context, source },
            ({ socketPath }) => runHasher(context, job, { ...options, feeder: feederOf(socketPath) }),
            options,
          );
      return hashOf(sourceResult(run, source), bytes, 'stream');
    },
    sourceChunks: async (source, request, options) => {
      const run = await runChunksOfSource(context, { source, request }, options);
      return expectLine(sourceResult(run, source), 'chunks').digests;
    },
  };
}

export function createDiskHasher(context: HasherContext): DiskHasher {
  const { hostAccess, manifestsDir } = context;
  return {
    ...createSourceHasher(context),
    hashDevice: async (mapping, bytes, options) => {
      const deviceBytes = mapping.device.sizeBytes;
      const path = await provedPath(hostAccess, mapping, options);
      const { run, reader } = await pastTheCache(path, options, (used) =>
        runHasher(
          context,
          {
            mode: 'hash',
            path,
            reader: used,
            identity: identityOf(hostAccess, mapping),
            bytes,
            deviceBytes,
            manifestsDir,
          },
          options,
        ),
      );
      const hash = hashOf(deviceResult(run, mapping), bytes, reader);
      return { ...hash, tailIsZero: expectLine(run, 'hash').tailIsZero, deviceBytes };
    },
    deviceChunks: async (mapping, { bytes, chunks }, options) => {
      const path = await provedPath(hostAccess, mapping, options);
      const deviceBytes = mapping.device.sizeBytes;
      const identity = identityOf(hostAccess, mapping);
      const run = await inOwnFolder(context, async (folder) => {
        const job = { mode: 'chunks', path, through: 'file', identity, bytes, deviceBytes } as const;
        const chunksPath = listChunks(folder, chunks);
        const how = await pastTheCache(path, options, (reader) =>
          runHasher(context, { ...job, reader, chunksPath }, options),
        );
        return how.run;
      });
      const { digests, tailIsZero } = expectLine(deviceResult(run, mapping), 'chunks');
      return { digests, tailIsZero };
    },
    isZero: async (mapping, range, options) => {
      const path = await provedPath(hostAccess, mapping, options);
      const job = {
        mode: 'zero',
        path,
        identity: identityOf(hostAccess, mapping),
        deviceBytes: mapping.device.sizeBytes,
        ...range,
      } as const;
      const { run } = await pastTheCache(path, options, (reader) => runHasher(context, { ...job, reader }, options));
      return expectLine(deviceResult(run, mapping), 'zero').isZero;
    },
  };
}

const identityOf = ({ root }: HostAccess, { device }: Mapping): DiskIdentity => ({
  dev: device.dev,
  sysFolder: join(root, 'sys/block', device.name),
  diskseq: device.diskseq,
});

/** The path is only where to look; the program compares the descriptor it opened. */
async function provedPath(hostAccess: HostAccess, mapping: Mapping, options: Signalled): Promise<string> {
  proveDevice(await hostAccess.snapshot(options), mapping);
  return join(hostAccess.root, mapping.device.path);
}

/** O_DIRECT first; where the file system refuses it, the cache is dropped before an ordinary read (rule N2). */
async function pastTheCache(
  path: string,
  options: Signalled,
  run: (reader: 'direct' | 'cache-dropped') => Promise<HasherRun>,
): Promise<{ readonly run: HasherRun; readonly reader: 'direct' | 'cache-dropped' }> {
  const direct = await run('direct');
  if (direct.code !== exitCode.directRefused) return { run: direct, reader: 'direct' };
  const dropped = await runProgram(
    { path: findProgram('dd'), args: [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none'] },
    options,
  );
  if (dropped.code !== 0) {
    throw new AppError('INTEGRITY', `The page cache of ${path} could not be dropped: ${dropped.stderr.trim()}`);
  }
  return { run: await run('cache-dropped'), reader: 'cache-dropped' };
}

/** A server reads the format or the datastore; what it said last explains a failure. */
async function throughReader(
  context: SourceContext & { readonly source: SourceImage },
  use: (place: { readonly socketPath: string; readonly folder: string }) => Promise<HasherRun>,
  options: Options,
): Promise<HasherRun> {
  const { source } = context;
  return await inOwnFolder(context, async (folder) => {
    const { clock, datastores } = context;
    const request = { source, folder, logPath: join(folder, 'log'), clients: 4, clock, datastores };
    const server = await startSourceReader(request, options);
    try {
      const run = await use({ socketPath: server.socketPath, folder });
      return run.code === exitCode.done ? run : { ...run, trouble: `${run.trouble}; ${server.lastLines()}` };
    } finally {
      await server.stop();
    }
  });
}

async function inOwnFolder<T>({ stateDir }: SourceContext, work: (folder: string) => Promise<T>): Promise<T> {
  const parent = join(stateDir, 's');
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(parent, 'h'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** nbdcopy carries the bytes into the program's standard input. */
const feederOf = (socketPath: string) => ({
  path: findProgram('nbdcopy'),
  args: ['--', `nbd+unix:///?socket=${encodeURIComponent(socketPath)}`, '-'],
});

function listChunks(folder: string, chunks: readonly number[]): string {
  const path = join(folder, 'chunks');
  writeFileSync(path, JSON.stringify(chunks));
  return path;
}

type ChunksOfSource = { readonly source: SourceImage; readonly request: ChunkRequest };

async function runChunksOfSource(
  context: SourceContext,
  { source, request: { bytes, chunks } }: ChunksOfSource,
  options: Options,
): Promise<HasherRun> {
  const job = { mode: 'chunks', reader: 'stream', identity: null, bytes, deviceBytes: bytes } as const;
  if (source.format === 'raw') {
    return await inOwnFolder(context, (folder) => {
      const chunksPath = listChunks(folder, chunks);
      return runHasher(context, { ...job, path: source.path, through: 'file', chunksPath }, options);
    });
  }
  return await throughReader(
    { ...context, source },
    ({ socketPath, folder }) => {
      const chunksPath = listChunks(folder, chunks);
      return runHasher(context, { ...job, path: socketPath, through: 'nbd', chunksPath }, options);
    },
    options,
  );
}

function hashOf(run: HasherRun, bytes: number, reader: Hash['reader']): Hash {
  const { sha256, manifestRoot } = expectLine(run, 'hash');
  return { sha256, manifestRoot, bytes, reader };
}

function deviceResult(run: HasherRun, mapping: Mapping): HasherRun {
  if (run.code === exitCode.done) return run;
  requireSpace(run);
  const details = { volume_id: mapping.volumeId, device_path: mapping.device.path };
  if (run.code === exitCode.deviceChanged) throw new AppError('DEVICE_CHANGED', run.trouble, details);
  if (run.code === exitCode.integrity) throw new AppError('INTEGRITY', run.trouble, details);
  throw new AppError('HOST_UNREADABLE', run.trouble, details);
}

/** The manifest could not be kept (rule J5): that is waited out, and is no word on what was read. */
function requireSpace(run: HasherRun): void {
  if (run.code === exitCode.noSpace) throw new AppError('DATA_DIR_FULL', `The manifest was not kept: ${run.trouble}`);
}

function sourceResult(run: HasherRun, source: SourceImage): HasherRun {
  if (run.code === exitCode.done) return run;
  requireSpace(run);
  const details = { path: source.path, format: source.format };
  // A vCenter that refuses a read may give it to the next session: that is tried again.
  if (!isImageFile(source)) throw new AppError('MOVER_FAILED', `${source.path}: ${run.trouble}`, details);
  throw new AppError('SOURCE_UNREADABLE', `${source.path}: ${run.trouble}`, details);
}

function expectLine<K extends HasherLine['kind']>(run: HasherRun, kind: K): Extract<HasherLine, { kind: K }> {
  if (run.result?.kind !== kind) throw new AppError('INTERNAL', 'The hashing program ended without its result.');
  return run.result as Extract<HasherLine, { kind: K }>;
}
