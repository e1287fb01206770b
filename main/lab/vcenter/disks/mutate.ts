import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { writeSeeded } from '../../images/bytes.ts';
import { nextFraction, type RandomState } from '../../random.ts';
import { diskNow, type Vm, type Vms } from '../vms.ts';
import { type DiskFiles, growFile } from './disk-files.ts';

export type Mutation = {
  readonly bytes: number;
  readonly extents: number;
  readonly zero: boolean;
  readonly unaligned: boolean;
  readonly growGib: number;
  readonly seed: number | null;
};

export type Mutated = {
  readonly vm: string;
  readonly name: string;
  readonly seed: number;
  readonly disks: readonly {
    readonly key: number;
    readonly path: string;
    readonly size_bytes: number;
    readonly grown_by_bytes: number;
    readonly extents: readonly { readonly offset: number; readonly length: number }[];
  }[];
};

const GIB = 1024 ** 3;
const CLUSTER = 4096;

/** What a guest does all day: bytes change, the same ones for the same seed. Disks take turns. */
export async function mutate(
  { vms, disks }: { readonly vms: Vms; readonly disks: DiskFiles },
  vm: Vm,
  wanted: Mutation,
): Promise<Mutated> {
  const seed = wanted.seed ?? randomBytes(4).readUInt32LE(0);
  const random: RandomState = { value: seed };
  const changed: Mutated['disks'][number][] = [];
  for (const [index, disk] of vm.plan.disks.entries()) {
    const now = diskNow(vm, disk.key);
    const share = Math.ceil((wanted.extents - index) / vm.plan.disks.length);
    const grows = wanted.growGib > 0 && index === 0;
    if (share <= 0 && !grows) continue;
    const path = await disks.writable(vm, disk);
    if (grows) {
      await growFile(path, now.sizeBytes + wanted.growGib * GIB);
      now.sizeBytes += wanted.growGib * GIB;
    }
    const length = Math.max(1, Math.min(Math.floor(wanted.bytes / wanted.extents), now.sizeBytes));
    const pieces = Array.from({ length: Math.max(0, share) }, () =>
      place(random, { length, sizeBytes: now.sizeBytes, unaligned: wanted.unaligned }),
    );
    const file = await open(path, 'r+');
    try {
      for (const [number, piece] of pieces.entries()) {
        if (wanted.zero) await writeZeros(file, piece);
        else await writeSeeded(file, `mutation ${seed} ${disk.key} ${number}`, piece);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    changed.push({
      key: disk.key,
      path,
      size_bytes: now.sizeBytes,
      grown_by_bytes: grows ? wanted.growGib * GIB : 0,
      extents: pieces,
    });
  }
  vms.changed(vm, wanted.growGib > 0 ? 'config' : 'state');
  return { vm: vm.plan.moref, name: vm.plan.name, seed, disks: changed };
}

type Piece = { readonly offset: number; readonly length: number };

function place(
  random: RandomState,
  { length, sizeBytes, unaligned }: { length: number; sizeBytes: number; unaligned: boolean },
): Piece {
  const room = sizeBytes - length;
  const at = Math.floor(nextFraction(random) * (room + 1));
  // Odd on purpose: no sector, no cluster and no tracked block begins there.
  if (unaligned) return { offset: Math.min(room, at | 1), length };
  return { offset: Math.floor(at / CLUSTER) * CLUSTER, length };
}

async function writeZeros(file: Awaited<ReturnType<typeof open>>, { offset, length }: Piece): Promise<void> {
  const zeros = Buffer.alloc(Math.min(length, 1024 * 1024));
  for (let done = 0; done < length; done += zeros.length) {
    await file.write(zeros, 0, Math.min(zeros.length, length - done), offset + done);
  }
}
