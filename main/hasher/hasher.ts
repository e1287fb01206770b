import { readFileSync } from 'node:fs';
import { isMainThread, parentPort } from 'node:worker_threads';
import { createChunkDigests, type DigestRequest, digestOf } from './chunk-digests.ts';
import { type ByteSource, diskSource, streamSource } from './disk-source.ts';
import { hashChunks, hashRange, rangeIsZero } from './hash-disk.ts';
import { writeManifest } from './manifest.ts';
import { nbdSource } from './nbd-source.ts';
import { openDisk } from './open-disk.ts';
import { chunkBytes, exitCode, type HasherJob, type HasherLine } from './protocol.ts';
import { Trouble } from './trouble.ts';

/**
 * The hashing program (rule P2): `node hasher.cjs JOB_AS_JSON`. It dies with the daemon because the daemon starts it
 * under setpriv, and it writes nothing but its manifest.
 */
const progressBytes = 64 * 1024 * 1024;

const print = (line: HasherLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

function progressPrinter(): (bytes: number) => void {
  let next = progressBytes;
  return (bytes) => {
    if (bytes < next) return;
    next = bytes + progressBytes;
    print({ kind: 'progress', bytes });
  };
}

async function runHash(job: HasherJob & { mode: 'hash' }, programPath: string): Promise<void> {
  const disk = job.path === null ? null : await openDisk({ ...job, path: job.path });
  const source = disk === null ? streamSource(process.stdin as AsyncIterable<Buffer>) : diskSource(disk);
  const chunks = createChunkDigests(programPath);
  try {
    const onProgress = progressPrinter();
    const { sha256, digests } = await hashRange({
      source,
      bytes: job.bytes,
      sequential: disk === null,
      chunks,
      onProgress,
    });
    const tailIsZero =
      disk === null ||
      job.deviceBytes === job.bytes ||
      (await rangeIsZero({ source, from: job.bytes, to: job.deviceBytes, onProgress: () => undefined }));
    const manifestRoot = await writeManifest({
      folder: job.manifestsDir,
      chunkBytes,
      totalBytes: job.bytes,
      digests,
    });
    print({ kind: 'hash', sha256, manifestRoot, tailIsZero });
  } finally {
    await chunks.stop();
    await disk?.file.close();
  }
}

async function runChunks(job: HasherJob & { mode: 'chunks' }, programPath: string): Promise<void> {
  const indices = JSON.parse(readFileSync(job.chunksPath, 'utf8')) as number[];
  const opened = await openSource(job);
  const { source } = opened;
  const chunks = createChunkDigests(programPath);
  try {
    const digests = await hashChunks({ source, bytes: job.bytes, indices, chunks, onProgress: progressPrinter() });
    const tail = { from: job.bytes, to: job.deviceBytes };
    const tailIsZero = tail.to === tail.from || (await rangeIsZero({ source, ...tail, onProgress: () => undefined }));
    print({ kind: 'chunks', digests: digests.map((digest) => digest.toString('hex')), tailIsZero });
  } finally {
    await chunks.stop();
    await opened.close();
  }
}

async function openSource(job: HasherJob & { mode: 'chunks' }): Promise<{
  readonly source: ByteSource;
  readonly close: () => Promise<void> | void;
}> {
  if (job.through === 'nbd') {
    const nbd = await nbdSource(job.path);
    return { source: nbd, close: nbd.close };
  }
  const disk = await openDisk(job);
  return { source: diskSource(disk), close: () => disk.file.close() };
}

async function runZero(job: HasherJob & { mode: 'zero' }): Promise<void> {
  const disk = await openDisk(job);
  try {
    const source = diskSource(disk);
    const to = job.offset + job.length;
    const isZero = await rangeIsZero({ source, from: job.offset, to, onProgress: progressPrinter() });
    print({ kind: 'zero', isZero });
  } finally {
    await disk.file.close();
  }
}

async function main(): Promise<void> {
  const [, programPath, jobText] = process.argv;
  if (programPath === undefined || jobText === undefined) throw new Trouble(exitCode.failed, 'No job was given.');
  const job = JSON.parse(jobText) as HasherJob;
  if (job.mode === 'hash') await runHash(job, programPath);
  else if (job.mode === 'chunks') await runChunks(job, programPath);
  else await runZero(job);
}

if (isMainThread) {
  main().catch((error: unknown) => {
    print({ kind: 'trouble', text: error instanceof Error ? error.message : String(error) });
    if (error instanceof Trouble) process.exitCode = error.exitCode;
    // It writes nothing but its manifest: no space says nothing about what was read.
    else process.exitCode = (error as { code?: string }).code === 'ENOSPC' ? exitCode.noSpace : exitCode.failed;
  });
} else {
  parentPort?.on('message', (request: DigestRequest) => {
    parentPort?.postMessage(digestOf(request));
  });
}
