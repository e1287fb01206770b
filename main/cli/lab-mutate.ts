import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorBody } from '../../shared/contract/fields.ts';
import { AppError, fromErrorBody } from '../../shared/errors.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { defaultDataDir, type Surroundings } from './surroundings.ts';

const labAccess = z.object({ url: z.string(), control_token: z.string() });

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
  const done = mutated.parse(await ask(labDirOf(args, around), { vm, order }, around.signal));
  around.out(args.json ? `${JSON.stringify(done)}\n` : tell(done));
  return exitCodes.done;
}

function labDirOf(args: Arguments, { env }: Surroundings): string {
  if (args.dir !== null) return args.dir;
  const dataDir = args.dataDir ?? defaultDataDir(env, true);
  if (dataDir === null) throw new AppError('INVALID_REQUEST', 'Say with --dir where the lab is.');
  return join(dataDir, 'lab');
}

type Order = { readonly vm: string; readonly order: object };

async function ask(dir: string, { vm, order }: Order, signal: AbortSignal): Promise<unknown> {
  const lab = labAccess.parse(JSON.parse(readLabFile(dir)));
  const url = new URL(`/lab/v1/vcenter-vms/${encodeURIComponent(vm)}/mutate`, lab.url);
  const headers = { authorization: `Bearer ${lab.control_token}`, 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(order), signal }).catch(
    (error: unknown) => {
      throw new AppError('LAB_UNAVAILABLE', `Nothing answers at ${lab.url}.`, undefined, { cause: error });
    },
  );
  const said: unknown = await answer.json();
  if (answer.ok) return said;
  throw fromErrorBody(errorBody.parse(said));
}

function readLabFile(dir: string): string {
  try {
    return readFileSync(join(dir, 'lab.json'), 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError('LAB_UNAVAILABLE', `There is no lab in ${dir}: ${why}`, undefined, { cause: error });
  }
}

function tell({ vm, name, seed, disks }: z.infer<typeof mutated>): string {
  const lines = disks.flatMap(({ key, grown_by_bytes: grown, size_bytes: size, extents }) => [
    ...(grown > 0 ? [`disk ${key}: grown by ${grown} to ${size} bytes`] : []),
    ...extents.map(({ offset, length }) => `disk ${key}: ${length} bytes at ${offset}`),
  ]);
  return `${name} (${vm}), seed ${seed}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
