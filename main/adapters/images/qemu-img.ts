import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { type Extent, normalise } from '../../domain/extent.ts';
import type { ImageFile } from '../../domain/vm.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { imageOptions } from '../processes/image-options.ts';
import { runProgram } from '../processes/run-program.ts';

const chainEntry = z.object({
  filename: z.string(),
  'virtual-size': z.number(),
  'format-specific': z
    .object({ data: z.object({ extents: z.array(z.object({ filename: z.string() })).optional() }).optional() })
    .optional(),
});

const mapEntry = z.object({
  start: z.number(),
  length: z.number(),
  zero: z.boolean(),
});

export type ImageFacts = {
  readonly capacityBytes: number;
  /** Every file that the image is made of: itself, its backing chain, its extent files. */
  readonly files: readonly string[];
};

export async function imageFacts(image: ImageFile, options: Signalled): Promise<ImageFacts> {
  // An archive has no chain of its own; qemu-img knows `--backing-chain` for files only.
  const chain = image.format === 'ova' ? [] : ['--backing-chain'];
  const text = await qemuImg(['info', '--output=json', ...chain], image, options);
  const parsed: unknown = JSON.parse(text);
  const entries = z.array(chainEntry).parse(Array.isArray(parsed) ? parsed : [parsed]);
  const files = entries.flatMap((entry) => [
    ...(image.format === 'ova' ? [] : [entry.filename]),
    ...(entry['format-specific']?.data?.extents ?? []).map(({ filename }) => filename),
  ]);
  const [top] = entries;
  if (top === undefined) throw new AppError('SOURCE_UNREADABLE', `${image.path}: qemu-img described nothing.`);
  const onDisk = files.filter((file) => file.startsWith('/'));
  return { capacityBytes: top['virtual-size'], files: [...new Set([image.path, ...onDisk])] };
}

/** Areas that hold data. What is left out reads as zero through this very image, backing files included. */
export async function allocatedExtents(image: ImageFile, options: Signalled): Promise<Extent[]> {
  const text = await qemuImg(['map', '--output=json'], image, options);
  const extents = z
    .array(mapEntry)
    .parse(JSON.parse(text))
    // Only an area known to read as zero is a hole; anything else, `data` or not, is read and copied.
    .filter(({ zero }) => !zero)
    .map(({ start, length }) => ({ offset: start, length }));
  return normalise(extents);
}

async function qemuImg(args: readonly string[], image: ImageFile, options: Signalled): Promise<string> {
  const [verb, ...rest] = args;
  const exit = await runProgram(
    {
      path: findProgram('qemu-img'),
      // --force-share: an image that something has open may still be looked at.
      args: [verb ?? '', ...rest, '--force-share', ...(await imageOptions(image))],
    },
    options,
  );
  if (exit.code === 0) return exit.stdout;
  throw new AppError('SOURCE_UNREADABLE', `${image.path}: ${exit.stderr.trim()}`, {
    path: image.path,
    format: image.format,
  });
}
