import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { writeSeeded } from '../images/bytes.ts';
import type { BackingFiles } from './backing-files.ts';

const PIECES = 8;
const PIECE_BYTES = 1024 * 1024;

/** Fills a foreign disk with bytes that nobody else writes, its first and last among them, and says what they hash to. */
export async function fillSentinel(files: BackingFiles, volumeId: string, sizeBytes: number): Promise<string> {
  const path = await files.ensure(volumeId, sizeBytes);
  const file = await open(path, 'r+');
  try {
    const step = Math.floor((sizeBytes - PIECE_BYTES) / (PIECES - 1) / 512) * 512;
    for (let index = 0; index < PIECES; index += 1) {
      const offset = index === PIECES - 1 ? sizeBytes - PIECE_BYTES : index * step;
      await writeSeeded(file, `sentinel ${volumeId} ${index}`, { offset, length: PIECE_BYTES });
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const hash = createHash('sha256');
  for await (const part of createReadStream(path, { highWaterMark: PIECE_BYTES })) hash.update(part as Buffer);
  return hash.digest('hex');
}
