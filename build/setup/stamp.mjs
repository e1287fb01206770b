import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setupDir } from './paths.mjs';

const file = join(setupDir, 'stamp.json');

/** What set-up finished, by step. An entry is written only after its step is complete. */
export function readStamp() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}

export function writeStamp(step, value) {
  mkdirSync(setupDir, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify({ ...readStamp(), [step]: value }, null, 2)}\n`);
  renameSync(draft, file);
}

export function keyOf(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}
