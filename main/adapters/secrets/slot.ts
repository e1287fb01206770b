import { createHash, hkdfSync } from 'node:crypto';
import { AppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { SlotKind } from '../../ports/vault.ts';
import { closeBox, keyBytes, openBox } from './box.ts';

/** One way to the vault's key. */
export type Slot = {
  readonly kind: SlotKind;
  /** What is kept in the vault's file; `unwrap` makes the key of it again. */
  wrap(key: Buffer, vaultId: string, how: Signalled): Promise<string>;
  /** VAULT_LOCKED when what it needs is not at hand, VAULT_KEY_WRONG when that does not fit. */
  unwrap(wrapped: string, vaultId: string, how: Signalled): Promise<Buffer>;
  /** After it was taken off the vault. */
  forget?(): void;
};

/** A slot whose key is random bytes that somebody keeps for us. A digest beside the box tells which bytes it wants. */
export function randomKeySlot(kind: SlotKind, readKey: (mayMake: boolean) => Buffer, place: string): Slot {
  const about = (vaultId: string): readonly string[] => ['slot', kind, vaultId];
  const wrapping = (secret: Buffer, vaultId: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, vaultId, 'ossea vault slot', keyBytes));
  return {
    kind,
    wrap: (key, vaultId) => {
      const secret = readKey(true);
      return Promise.resolve(`${digestOf(secret)}.${closeBox(wrapping(secret, vaultId), key, about(vaultId))}`);
    },
    unwrap: (wrapped, vaultId) => {
      const secret = readKey(false);
      const [digest = '', box = ''] = wrapped.split('.');
      if (digest !== digestOf(secret)) throw new AppError('VAULT_KEY_WRONG', `${place} is the key of another vault.`);
      const key = openBox(wrapping(secret, vaultId), box, about(vaultId));
      if (key === null) throw new AppError('VAULT_DAMAGED', `The key wrapped for ${place} is not what was written.`);
      return Promise.resolve(key);
    },
  };
}

/** Of 256 random bits, so it tells nothing about them. */
const digestOf = (secret: Buffer): string => createHash('sha256').update(secret).digest('base64url').slice(0, 16);
