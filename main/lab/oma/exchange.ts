import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '../../../shared/errors.ts';
import { runProgram } from '../run-program.ts';
import type { HostDevice } from '../state.ts';
import { deviceOf, type Host } from './devices.ts';

const BLOCK = 4 * 1024 * 1024;

/**
 * The two devices change places: each serial is from now on found on the other's name, number and bytes. The files
 * are exchanged by name, so it works while a process has the devices open, and what that process writes from now on
 * is in the wrong volume. A second swap restores everything.
 */
export async function swapDevices(host: Host, volumeA: string, volumeB: string): Promise<void> {
  const { host: kernel } = host.store.state;
  const [a, b] = pairOf(host, volumeA, volumeB);
  await host.tree.remove(a);
  await host.tree.remove(b);
  await host.files.exchange(volumeA, volumeB);
  const [wasA, wasB] = [{ ...a }, { ...b }];
  Object.assign(a, { volumeId: wasB.volumeId, serial: wasB.serial, diskseq: kernel.nextDiskseq });
  Object.assign(b, { volumeId: wasA.volumeId, serial: wasA.serial, diskseq: kernel.nextDiskseq + 1 });
  // A file that stands in for a device is reached by its name, and that has just been exchanged.
  if (host.nodes.kind === 'file') [a.node, b.node] = [wasB.node, wasA.node];
  kernel.nextDiskseq += 2;
  await host.store.flush();
  await host.tree.add(a);
  await host.tree.add(b);
}

/** Exchanges what two devices hold, through the devices, so that every cache sees it and no identity changes. */
export async function exchangeBytes(host: Host, volumeA: string, volumeB: string): Promise<number> {
  const [deviceA, deviceB] = pairOf(host, volumeA, volumeB);
  const a = await open(deviceA.node, 'r+');
  try {
    const b = await open(deviceB.node, 'r+');
    try {
      // What the devices' caches hold must be in the files before these are looked at.
      await Promise.all([a.sync(), b.sync()]);
      const blocks = await blocksWithData([host.files.path(volumeA), host.files.path(volumeB)]);
      return await exchange([a, b], blocks, deviceA.sizeBytes);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

function pairOf(host: Host, volumeA: string, volumeB: string): [HostDevice, HostDevice] {
  const [a, b] = [deviceOf(host, volumeA), deviceOf(host, volumeB)];
  if (a === undefined || b === undefined || a === b) {
    throw new AppError('INVALID_REQUEST', 'Both volumes must be different devices of the appliance.');
  }
  if (a.sizeBytes !== b.sizeBytes) throw new AppError('INVALID_REQUEST', 'The two devices differ in size.');
  return [a, b];
}

async function exchange(
  [a, b]: readonly [FileHandle, FileHandle],
  blocks: ReadonlySet<number>,
  sizeBytes: number,
): Promise<number> {
  const blockA = Buffer.alloc(BLOCK);
  const blockB = Buffer.alloc(BLOCK);
  let changedBytes = 0;
  for (const offset of blocks) {
    const length = Math.min(BLOCK, sizeBytes - offset);
    const [partA, partB] = [blockA.subarray(0, length), blockB.subarray(0, length)];
    await Promise.all([readFully(a, partA, offset), readFully(b, partB, offset)]);
    if (partA.equals(partB)) continue;
    await a.writev([partB], offset);
    await b.writev([partA], offset);
    changedBytes += length;
  }
  await Promise.all([a.sync(), b.sync()]);
  return changedBytes;
}

/** Offsets of the blocks in which either file has data; volumes are mostly holes. */
async function blocksWithData(paths: readonly string[]): Promise<Set<number>> {
  const blocks = new Set<number>();
  for (const path of paths) {
    const end = await runProgram('qemu-img', ['map', '--output=json', '-f', 'raw', '-U', path], {
      debianPackage: 'qemu-utils',
    });
    if (end.code !== 0) throw new AppError('INTERNAL', `qemu-img map of ${path} failed: ${end.stderr.trim()}`);
    for (const range of JSON.parse(end.stdout) as { start: number; length: number; data: boolean }[]) {
      if (!range.data) continue;
      const first = Math.floor(range.start / BLOCK) * BLOCK;
      for (let offset = first; offset < range.start + range.length; offset += BLOCK) blocks.add(offset);
    }
  }
  return blocks;
}

async function readFully(file: FileHandle, into: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) throw new AppError('INTERNAL', 'A device ended before its size.');
    done += bytesRead;
  }
}
