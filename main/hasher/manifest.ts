import { createHash } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Binary: magic, chunk size, total bytes, count, the SHA-256 of every chunk, and a SHA-256 over all of that, which is
 * the root and the file's name.
 */
const magic = Buffer.from('OSSEAMF1', 'latin1');

export async function writeManifest(request: {
  readonly folder: string;
  readonly chunkBytes: number;
  readonly totalBytes: number;
  readonly digests: readonly Buffer[];
}): Promise<string> {
  const header = Buffer.alloc(magic.length + 4 + 8 + 4);
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
