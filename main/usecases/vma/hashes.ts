import { AppError } from '../../../shared/errors.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';
import { readableDisk, requireAtVcenter } from './require.ts';

const chunkBytes = 4 * 1024 ** 2;

type Body = Parameters<VmaHandlers['startHash']>[0]['body'];

export const startHash =
  (parts: VmaParts): VmaHandlers['startHash'] =>
  async ({ body }, { signal }) => {
    requireChunks(body);
    const at = await requireAtVcenter(parts, body.vm_id, { signal });
    const wanted = { at, diskKey: body.disk_key, snapshot: body.snapshot };
    const { source, capacityBytes } = await readableDisk(parts, wanted, { signal });
    if (body.bytes > capacityBytes)
      throw new AppError('INVALID_REQUEST', `body.bytes: the disk has ${String(capacityBytes)} bytes.`);
    const { id, bytes, chunks } = body;
    return parts.hashes.begin({ id, digest: parts.ids.digest(body), source, bytes, chunks });
  };

function requireChunks({ bytes, chunks }: Body): void {
  if (chunks === null) return;
  const inOrder = chunks.every((chunk, place) => chunk > (chunks[place - 1] ?? -1));
  if (inOrder && (chunks.at(-1) ?? 0) * chunkBytes < bytes) return;
  throw new AppError('INVALID_REQUEST', 'body.chunks: sorted, each once, and inside of the disk.');
}

export const getHash =
  ({ hashes }: VmaParts): VmaHandlers['getHash'] =>
  async ({ params }) => {
    const found = hashes.get(params.id);
    if (found === null) throw unknown(params.id);
    return await Promise.resolve(found);
  };

export const stopHash =
  ({ hashes }: VmaParts): VmaHandlers['stopHash'] =>
  async ({ params }) => {
    if (hashes.get(params.id) === null) throw unknown(params.id);
    await hashes.stop(params.id);
    return { id: params.id };
  };

const unknown = (id: string): AppError => new AppError('NOT_FOUND', `This start of the VMA knows no hash ${id}.`);
