import { AppError } from '../../../shared/errors.ts';
import type { Keyring } from '../../ports/vault.ts';
import type { Slot } from './slot.ts';

export function keyringSlot(keyring: Keyring | undefined): Slot | null {
  if (keyring === undefined || keyring.backend === 'basic_text' || keyring.backend === 'unknown') return null;
  return {
    kind: 'keyring',
    wrap: async (key, vaultId) => (await keyring.wrap(`${vaultId}.${key.toString('base64url')}`)).toString('base64url'),
    unwrap: async (wrapped, vaultId) => {
      const text = await unwrapOrRefuse(keyring, Buffer.from(wrapped, 'base64url'));
      const [id, key = ''] = text.split('.');
      if (id !== vaultId) throw new AppError('VAULT_KEY_WRONG', 'The keyring holds the key of another vault.');
      return Buffer.from(key, 'base64url');
    },
  };
}

async function unwrapOrRefuse(keyring: Keyring, bytes: Buffer): Promise<string> {
  try {
    return await keyring.unwrap(bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const reason = `The keyring (${keyring.backend}) does not give the key: ${why}`;
    throw new AppError('VAULT_LOCKED', reason, undefined, { cause: error });
  }
}
