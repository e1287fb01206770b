import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { askLab } from './lab-control.ts';
import { defaultDataDir, type Surroundings } from './surroundings.ts';

const mutated = z.object({
  vm: z.string(),
  name: z.string(),
  seed: z.number(),
  disks: z.array(
    z.object({
      key: z.number(),
      path: z.string(),
      size_bytes: z.number(),
      grown_by_bytes: z.number(),
      extents: z.array(z.object({ offset: z.number(), length: z.number() })),
    }),
  ),
});

/** `ossea lab mutate`: bytes of a VM of the lab's vCenter change, as if its guest had written. */
export async function labMutate(args: Arguments, around: Surroundings): Promise<number> {
  const [, , vm] = args.words;
  if (vm === undefined || args.words.length > 3)
    throw new AppError('INVALID_REQUEST', 'ossea lab mutate takes one VM.');
  const { bytes, extents, growGib: grow_gib } = args.mutation;
  const { zero, unaligned } = args.mutation;
  const order = { bytes, extents, grow_gib, zero, unaligned, seed: args.seed };
  const done = mutated.parse(
    await askLab(labDirOf(args, around), {
      act: `vcenter-vms/${encodeURIComponent(vm)}/mutate`,
      body: order,
      signal: around.signal,
    }),
  );
  around.out(args.json ? `${JSON.stringify(done)}\n` : tell(done));
  return exitCodes.done;
}

function labDirOf(args: Arguments, { env }: Surroundings): string {
  if (args.dir !== null) return args.dir;
  const dataDir = args.dataDir ?? defaultDataDir(env, 'lab');
  if (dataDir === null) throw new AppError('INVALID_REQUEST', 'Say with --dir where the lab is.');
  return join(dataDir, 'lab');
}

function tell({ vm, name, seed, disks }: z.infer<typeof mutated>): string {
  const lines = disks.flatMap(({ key, grown_by_bytes: grown, size_bytes: size, extents }) => [
    ...(grown > 0 ? [`disk ${key}: grown by ${grown} to ${size} bytes`] : []),
    ...extents.map(({ offset, length }) => `disk ${key}: ${length} bytes at ${offset}`),
  ]);
  return `${name} (${vm}), seed ${seed}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
