import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Binary: magic, chunk size, total bytes, count, the SHA-256 of every chunk, and a SHA-256 over all of that, which is
 * the root and the file's name.
 */
const magic = Buffer.from('OSSEAMF1', 'latin1');
const headerBytes = magic.length + 4 + 8 + 4;
const digestBytes = 32;

export type Manifest = {
  readonly chunkBytes: number;
  readonly totalBytes: number;
  readonly digests: readonly Buffer[];
};

export async function writeManifest(request: Manifest & { readonly folder: string }): Promise<string> {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32BE(request.chunkBytes, 8);
  header.writeBigUInt64BE(BigInt(request.totalBytes), 12);
  header.writeUInt32BE(request.digests.length, 20);
  const body = Buffer.concat([header, ...request.digests]);
  const checksum = createHash('sha256').update(body).digest();
  const root = checksum.toString('hex');
  await mkdir(request.folder, { recursive: true, mode: 0o700 });
  const temporary = join(request.folder, `${root}.${process.pid}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(Buffer.concat([body, checksum]));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(request.folder, root));
  const folder = await open(request.folder, 'r');
  try {
    // The root may be printed, and recorded, only once the name itself would survive a power cut.
    await folder.sync();
  } finally {
    await folder.close();
  }
  return root;
}

/** null when there is none of that root, or when it is not what was written. */
export async function readManifest(folder: string, root: string): Promise<Manifest | null> {
  const file = await readFile(join(folder, root)).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (file === null || file.length < headerBytes + digestBytes) return null;
  const body = file.subarray(0, -digestBytes);
  const checksum = createHash('sha256').update(body).digest();
  const isWhole = checksum.equals(file.subarray(-digestBytes)) && checksum.toString('hex') === root;
  const count = body.readUInt32BE(20);
  if (!isWhole || !body.subarray(0, magic.length).equals(magic) || body.length !== headerBytes + count * digestBytes) {
    return null;
  }
  return {
    chunkBytes: body.readUInt32BE(8),
    totalBytes: Number(body.readBigUInt64BE(12)),
    digests: Array.from({ length: count }, (_, index) =>
      body.subarray(headerBytes + index * digestBytes, headerBytes + (index + 1) * digestBytes),
    ),
  };
}
