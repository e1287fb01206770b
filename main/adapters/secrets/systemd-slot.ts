import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { gone } from '../processes/proc.ts';
import { keyBytes } from './box.ts';
import { randomKeySlot, type Slot } from './slot.ts';

const credential = 'ossea-vault-key';

/** A credential that systemd hands to the service: `LoadCredentialEncrypted=ossea-vault-key`. At least 32 random bytes. */
export function systemdSlot(credentialsDirectory: string | undefined): Slot | null {
  if (credentialsDirectory === undefined || credentialsDirectory === '') return null;
  const path = join(credentialsDirectory, credential);
  if (gone(() => readFileSync(path)) === null) return null;
  return randomKeySlot(
    'systemd-credential',
    () => {
      const bytes = readFileSync(path);
      if (bytes.length < keyBytes)
        throw new AppError('VAULT_KEY_WRONG', `The credential ${credential} has fewer than ${String(keyBytes)} bytes.`);
      return createHash('sha256').update(bytes).digest();
    },
    `the systemd credential ${credential}`,
  );
}
