import type { Signalled } from './signalled.ts';

/** What can open the vault. Each wraps the vault's key in its own way; any one of them suffices. */
export type SlotKind = 'key-file' | 'keyring' | 'passphrase' | 'systemd-credential';

/**
 * Secrets by name: passwords of sites and the like, nowhere else in the data directory. VAULT_LOCKED when none of the keys
 * is at hand, VAULT_KEY_WRONG when one is and does not open it, VAULT_DAMAGED when the file is not what was written.
 */
export type Vault = {
  put(name: string, secret: string, how: Signalled): Promise<void>;
  /** NOT_FOUND when there is none of that name. */
  get(name: string, how: Signalled): Promise<string>;
  /** Nothing happens when there is none of that name. */
  remove(name: string, how: Signalled): Promise<void>;
  /** Names in order. */
  list(how: Signalled): Promise<readonly string[]>;
  state(how: Signalled): Promise<VaultState>;
};

export type VaultState = {
  /** The vault is made at its first use. */
  readonly exists: boolean;
  /** All keys that open it. */
  readonly slots: readonly SlotKind[];
  /** Which of them was at hand, or would be used to make it. */
  readonly openedBy: SlotKind;
};

/** The keyring of the desktop session, as the window's process reaches it. */
export type Keyring = {
  /** What the session offers. `basic_text` is a fixed password known to everybody, so it counts as none. */
  readonly backend: string;
  wrap(text: string): Promise<Buffer>;
  unwrap(bytes: Buffer): Promise<string>;
};
