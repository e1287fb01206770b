import { join } from 'node:path';
import { keyFileSlot } from '../adapters/secrets/key-file-slot.ts';
import { keyringSlot } from '../adapters/secrets/keyring-slot.ts';
import type { Slot } from '../adapters/secrets/slot.ts';
import { systemdSlot } from '../adapters/secrets/systemd-slot.ts';
import { createVault } from '../adapters/secrets/vault.ts';
import type { Keyring, Vault } from '../ports/vault.ts';

type Options = {
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Only the window's process has one. */
  readonly keyring?: Keyring | undefined;
};

/** What is there for a daemon that nobody sits at, best first; nothing is read or made before the first secret. */
export function openVault({ dataDir, env, keyring }: Options): Vault {
  const offered = [
    systemdSlot(env['CREDENTIALS_DIRECTORY']),
    keyringSlot(keyring),
    keyFileSlot(join(dataDir, 'vault.key')),
  ];
  return createVault({ dir: dataDir, slots: offered.filter((slot): slot is Slot => slot !== null) });
}
