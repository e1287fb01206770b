import { randomBytes, scrypt } from 'node:crypto';
import { AppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { closeBox, keyBytes, openBox } from './box.ts';
import type { Slot } from './slot.ts';

/** 128 MiB and about half a second per guess. */
const cost = { log2: 17, blocks: 8, lanes: 1 };
/** A file must not be able to make us use all memory. */
const maxLog2 = 20;

/** The one slot that somebody can carry in their head. It is asked for the passphrase only when it is needed. */
export function passphraseSlot(ask: (how: Signalled) => Promise<string>): Slot {
  return {
    kind: 'passphrase',
    wrap: async (key, vaultId, how) => {
      const salt = randomBytes(16).toString('base64url');
      const wrapping = await derive(await ask(how), salt, cost.log2);
      return [cost.log2, salt, closeBox(wrapping, key, about(vaultId))].join('.');
    },
    unwrap: async (wrapped, vaultId, how) => {
      const [log2 = '', salt = '', box = ''] = wrapped.split('.');
      const key = openBox(await derive(await ask(how), salt, Number(log2)), box, about(vaultId));
      if (key === null) throw new AppError('VAULT_KEY_WRONG', 'The passphrase is not the one of this vault.');
      return key;
    },
  };
}

const about = (vaultId: string): readonly string[] => ['slot', 'passphrase', vaultId];

function derive(passphrase: string, salt: string, log2: number): Promise<Buffer> {
  if (!Number.isInteger(log2) || log2 < cost.log2 || log2 > maxLog2)
    throw new AppError('VAULT_DAMAGED', `The vault wants a passphrase of strength ${String(log2)}.`);
  const { blocks, lanes } = cost;
  const N = 2 ** log2;
  return new Promise((resolve, reject) => {
    // One spelling for what looks the same: keyboards differ in how they compose letters.
    scrypt(
      passphrase.normalize('NFC'),
      Buffer.from(salt, 'base64url'),
      keyBytes,
      { N, r: blocks, p: lanes, maxmem: 2 * 128 * blocks * N },
      (error, key) => {
        if (error === null) resolve(key);
        else reject(error);
      },
    );
  });
}
