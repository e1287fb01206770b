import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { writeDurably } from '../adapters/processes/durable-file.ts';

/** DIR/token, made once: an OMA that was given it keeps its access over every start of the VMA. */
export function keptToken(dataDir: string): string {
  const path = join(dataDir, 'token');
  if (!existsSync(path)) writeDurably(path, `${randomBytes(32).toString('base64url')}\n`);
  const token = readFileSync(path, 'utf8').trim();
  if (/^[\w-]{32,200}$/.test(token)) return token;
  throw new AppError('INVALID_REQUEST', `${path} is no token. Remove it, and a new one is made at the next start.`);
}
