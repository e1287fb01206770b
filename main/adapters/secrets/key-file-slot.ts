import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { AppError } from '../../../shared/errors.ts';
import { writeDurably } from '../processes/durable-file.ts';
import { gone } from '../processes/proc.ts';
import { keyBytes } from './box.ts';
import { randomKeySlot, type Slot } from './slot.ts';

/** A file beside the vault, readable by its owner only: for daemons that nobody sits at. It protects copies of the vault alone. */
export function keyFileSlot(path: string): Slot {
  const slot = randomKeySlot('key-file', (mayMake) => readKey(path) ?? (mayMake ? makeKey(path) : missing(path)), path);
  return {
    ...slot,
    forget: () => {
      rmSync(path, { force: true });
    },
  };
}

function readKey(path: string): Buffer | null {
  const text = gone(() => readFileSync(path, 'utf8'));
  if (text === null) return null;
  if ((statSync(path).mode & 0o077) !== 0)
    throw new AppError('VAULT_LOCKED', `${path} may be read by others, so it is not used. Run: chmod 600 ${path}`);
  const key = Buffer.from(text.trim(), 'base64url');
  if (key.length !== keyBytes) throw new AppError('VAULT_KEY_WRONG', `${path} holds no key.`);
  return key;
}

/** Never over one that is there: an older copy of the vault may need it. */
function makeKey(path: string): Buffer {
  const key = randomBytes(keyBytes);
  writeDurably(path, `${key.toString('base64url')}\n`);
  return key;
}

function missing(path: string): never {
  throw new AppError('VAULT_LOCKED', `Its key file ${path} is not there.`);
}
