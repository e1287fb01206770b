import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, asAppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { SlotKind, Vault } from '../../ports/vault.ts';
import { writeDurably } from '../processes/durable-file.ts';
import { closeBox, keyBytes, openBox } from './box.ts';
import {
  damaged,
  readDocument,
  type StoredDocument,
  type VaultDocument,
  verifySeal,
  writeDocument,
} from './document.ts';
import { withFileLock } from './file-lock.ts';
import type { Slot } from './slot.ts';

type Options = {
  readonly dir: string;
  /** At least one. The first makes a new vault; each is tried at one that is there. */
  readonly slots: readonly Slot[];
};

/** Changes of who can open it. */
export type VaultKeys = {
  addSlot(slot: Slot, how: Signalled): Promise<void>;
  /** Never the last one. Who had that key and a copy of the file can still read the copy: change the secrets, too. */
  removeSlot(kind: SlotKind, how: Signalled): Promise<void>;
  /** A new key for all secrets. Every slot of the vault must be among `slots`. */
  rotate(slots: readonly Slot[], how: Signalled): Promise<void>;
};

type Opened = { readonly document: VaultDocument; readonly key: Buffer; readonly by: SlotKind };

/**
 * DIR/vault.json. Nothing is kept open: each call reads the file, so what another process wrote counts at once, and only the
 * key is remembered. A file that cannot be read is never written over.
 */
export function createVault({ dir, slots }: Options): Vault & VaultKeys {
  const path = join(dir, 'vault.json');
  let remembered: { readonly keyId: string; readonly key: Buffer; readonly by: SlotKind } | null = null;

  const open = async (stored: StoredDocument, how: Signalled): Promise<Opened> => {
    const { document } = stored;
    const { key, by } =
      remembered?.keyId === document.key_id ? remembered : await unwrapAny(document, { slots, path }, how);
    verifySeal(stored, key, path);
    remembered = { keyId: document.key_id, key, by };
    return { document, key, by };
  };

  const read = async (how: Signalled): Promise<Opened | null> => {
    how.signal.throwIfAborted();
    const stored = readStored(path);
    return stored === null ? null : open(stored, how);
  };

  const change = (work: (opened: Opened) => Opened | Promise<Opened>, how: Signalled): Promise<void> =>
    withFileLock(
      join(dir, 'vault.lock'),
      async () => {
        const next = await work((await read(how)) ?? (await makeNew(slots, how)));
        how.signal.throwIfAborted();
        removeDrafts(dir);
        writeDurably(path, writeDocument(next.document, next.key));
        remembered = { keyId: next.document.key_id, key: next.key, by: next.by };
      },
      how,
    );

  return {
    put: (name, secret, how) => change((opened) => withEntry(opened, name, secret), how),
    get: async (name, how) => {
      const opened = await read(how);
      const entry = opened?.document.entries.find((one) => one.name === name);
      if (opened === null || entry === undefined) throw new AppError('NOT_FOUND', `The vault holds no "${name}".`);
      return secretOf(entry, opened, path).toString('utf8');
    },
    remove: (name, how) => change((opened) => withoutEntry(opened, name), how),
    list: async (how) => ((await read(how))?.document.entries ?? []).map((entry) => entry.name).sort(),
    state: async (how) => {
      const opened = await read(how);
      if (opened === null) return { exists: false, slots: [], openedBy: first(slots).kind };
      return { exists: true, slots: kindsOf(opened.document), openedBy: opened.by };
    },
    addSlot: (slot, how) => change((opened) => withSlot(opened, slot, how), how),
    removeSlot: async (kind, how) => {
      await change((opened) => withoutSlot(opened, kind), how);
      slots.find((slot) => slot.kind === kind)?.forget?.();
    },
    rotate: (all, how) => change((opened) => withNewKey(opened, { slots: all, path }, how), how),
  };
}

/** What a writer that was killed left: an older or newer vault, which nobody may find here after a secret was removed. */
function removeDrafts(dir: string): void {
  const drafts = readdirSync(dir).filter((name) => /^vault[.]json[.]\d+[.]new$/.test(name));
  for (const name of drafts) rmSync(join(dir, name), { force: true });
}

function readStored(path: string): StoredDocument | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError(
      'VAULT_DAMAGED',
      `${path} cannot be read: ${asAppError(error).message}`,
      { path },
      { cause: error },
    );
  }
  return readDocument(text, path);
}

type Place = { readonly slots: readonly Slot[]; readonly path: string };

/** A wrong key is said only when no other one opens it. */
async function unwrapAny(
  document: VaultDocument,
  { slots, path }: Place,
  how: Signalled,
): Promise<{ key: Buffer; by: SlotKind }> {
  const failures: AppError[] = [];
  for (const { kind, wrapped_key: wrapped } of document.slots) {
    const slot = slots.find((one) => one.kind === kind);
    if (slot === undefined) continue;
    try {
      return { key: await slot.unwrap(wrapped, document.vault_id, how), by: kind };
    } catch (error) {
      how.signal.throwIfAborted();
      if (!(error instanceof AppError)) throw error;
      failures.push(error);
    }
  }
  const details = { path, slots: kindsOf(document) };
  const [failure] = failures.sort((a, b) => rank(a) - rank(b));
  if (failure === undefined)
    throw new AppError(
      'VAULT_LOCKED',
      `It is opened by: ${kindsOf(document).join(', ')}. None of these is at hand.`,
      details,
    );
  throw new AppError(failure.code, failure.reason, details, { cause: failure });
}

/** What a person has to know first. */
const rank = ({ code }: AppError): number => ['VAULT_DAMAGED', 'VAULT_KEY_WRONG', 'VAULT_LOCKED'].indexOf(code);

const kindsOf = (document: VaultDocument): SlotKind[] => document.slots.map((slot) => slot.kind);

function first(slots: readonly Slot[]): Slot {
  const [slot] = slots;
  if (slot === undefined)
    throw new AppError('VAULT_LOCKED', 'There is no key file, no keyring and no passphrase for it.');
  return slot;
}

async function makeNew(slots: readonly Slot[], how: Signalled): Promise<Opened> {
  const slot = first(slots);
  const key = randomBytes(keyBytes);
  const vaultId = randomUUID();
  const wrapped = await slot.wrap(key, vaultId, how);
  const document: VaultDocument = {
    format: 1,
    vault_id: vaultId,
    key_id: randomUUID(),
    last_version: 0,
    slots: [{ kind: slot.kind, wrapped_key: wrapped }],
    entries: [],
  };
  return { document, key, by: slot.kind };
}

type Entry = VaultDocument['entries'][number];

/** A box is of one vault, one name and one version: none can be put in another's place. */
const aboutEntry = ({ vault_id: vaultId }: VaultDocument, { name, version }: Omit<Entry, 'box'>): readonly string[] => [
  'entry',
  vaultId,
  name,
  String(version),
];

function secretOf(entry: Entry, { document, key }: Opened, path: string): Buffer {
  const secret = openBox(key, entry.box, aboutEntry(document, entry));
  if (secret === null) throw damaged(path, `The secret "${entry.name}" is not what was written.`);
  return secret;
}

function withEntry(opened: Opened, name: string, secret: string): Opened {
  const { document, key } = opened;
  const version = document.last_version + 1;
  const box = closeBox(key, Buffer.from(secret), aboutEntry(document, { name, version }));
  const others = document.entries.filter((entry) => entry.name !== name);
  return { ...opened, document: { ...document, last_version: version, entries: [...others, { name, version, box }] } };
}

function withoutEntry(opened: Opened, name: string): Opened {
  const entries = opened.document.entries.filter((entry) => entry.name !== name);
  return { ...opened, document: { ...opened.document, entries } };
}

async function withSlot(opened: Opened, slot: Slot, how: Signalled): Promise<Opened> {
  const { document, key } = opened;
  const wrapped = await slot.wrap(key, document.vault_id, how);
  const others = document.slots.filter(({ kind }) => kind !== slot.kind);
  return { ...opened, document: { ...document, slots: [...others, { kind: slot.kind, wrapped_key: wrapped }] } };
}

function withoutSlot(opened: Opened, kind: SlotKind): Opened {
  const slots = opened.document.slots.filter((slot) => slot.kind !== kind);
  if (slots.length === 0)
    throw new AppError('INVALID_REQUEST', `Nothing else opens the vault, so its ${kind} stays.`, { slots: [kind] });
  return { ...opened, document: { ...opened.document, slots } };
}

async function withNewKey(opened: Opened, { slots, path }: Place, how: Signalled): Promise<Opened> {
  const { document } = opened;
  const key = randomBytes(keyBytes);
  const rewrapped: VaultDocument['slots'] = [];
  for (const { kind } of document.slots) {
    const slot = slots.find((one) => one.kind === kind);
    if (slot === undefined)
      throw new AppError('VAULT_LOCKED', `A new key needs everything that opens the vault; the ${kind} is missing.`);
    rewrapped.push({ kind, wrapped_key: await slot.wrap(key, document.vault_id, how) });
  }
  const entries = document.entries.map((entry) => ({
    ...entry,
    box: closeBox(key, secretOf(entry, opened, path), aboutEntry(document, entry)),
  }));
  return { ...opened, key, document: { ...document, key_id: randomUUID(), slots: rewrapped, entries } };
}
