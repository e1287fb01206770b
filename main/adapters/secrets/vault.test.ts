import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Keyring, SlotKind } from '../../ports/vault.ts';
import { closeBox, openBox } from './box.ts';
import { keyFileSlot } from './key-file-slot.ts';
import { keyringSlot } from './keyring-slot.ts';
import { passphraseSlot } from './passphrase-slot.ts';
import type { Slot } from './slot.ts';
import { systemdSlot } from './systemd-slot.ts';
import { createVault } from './vault.ts';

const how = { signal: AbortSignal.timeout(600_000) };
const secret = 'correct horse battery staple \u{1F511}';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-vault-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const file = (): string => join(dir, 'vault.json');
const keyFile = (): Slot => keyFileSlot(join(dir, 'vault.key'));
const passphrase = (text: string): Slot => passphraseSlot(() => Promise.resolve(text));
const vault = (...slots: readonly Slot[]) => createVault({ dir, slots: slots.length === 0 ? [keyFile()] : slots });
const refused = (code: string) => expect.objectContaining({ code }) as unknown;

describe('a daemon that nobody sits at', () => {
  test('keeps a secret over a restart, and in clear nowhere in its data directory', async () => {
    expect(await vault().state(how)).toEqual({ exists: false, slots: [], openedBy: 'key-file' });
    expect(readdirSync(dir)).toEqual([]);
    await vault().put('site/lab', secret, how);
    await vault().put('site/lab', `${secret}!`, how);
    await vault().put('cloudstack', 'another', how);
    await vault().remove('nobody', how);
    expect(await vault().get('site/lab', how)).toBe(`${secret}!`);
    expect(await vault().list(how)).toEqual(['cloudstack', 'site/lab']);
    expect(await vault().state(how)).toEqual({ exists: true, slots: ['key-file'], openedBy: 'key-file' });
    for (const name of readdirSync(dir)) {
      expect(statSync(join(dir, name)).mode & 0o777, name).toBe(0o600);
      const bytes = readFileSync(join(dir, name));
      for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const)
        expect(bytes.includes(Buffer.from(secret).toString(form)), `${name} in ${form}`).toBe(false);
    }
    await vault().remove('site/lab', how);
    await expect(vault().get('site/lab', how)).rejects.toEqual(refused('NOT_FOUND'));
  });

  test('a key file that is gone, that others may read, or that is of another vault: said, and nothing is changed', async () => {
    await vault().put('a', secret, how);
    const kept = readFileSync(file());
    const key = join(dir, 'vault.key');
    const expectRefused = async (code: string, why: RegExp): Promise<void> => {
      for (const act of [() => vault().get('a', how), () => vault().put('b', 'x', how), () => vault().state(how)]) {
        const error: unknown = await act().catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code, reason: expect.stringMatching(why) as unknown });
      }
      expect(readFileSync(file())).toEqual(kept);
    };
    chmodSync(key, 0o640);
    await expectRefused('VAULT_LOCKED', /may be read by others.*chmod 600/);
    chmodSync(key, 0o600);
    copyFileSync(key, join(dir, 'kept.key'));
    writeFileSync(key, randomBytes(32).toString('base64url'));
    await expectRefused('VAULT_KEY_WRONG', /the key of another vault/);
    rmSync(key);
    await expectRefused('VAULT_LOCKED', /is not there/);
    copyFileSync(join(dir, 'kept.key'), key);
    expect(await vault().get('a', how)).toBe(secret);
  });

  test('a key file without a vault is used, not made anew: an older copy of the vault may need it', async () => {
    await vault().put('a', secret, how);
    copyFileSync(file(), join(dir, 'backup'));
    rmSync(file());
    await vault().put('a', 'later', how);
    copyFileSync(join(dir, 'backup'), file());
    expect(await vault().get('a', how)).toBe(secret);
  });

  test('a credential of systemd opens it without any file beside it', async () => {
    expect(systemdSlot(undefined)).toBeNull();
    expect(systemdSlot(dir)).toBeNull();
    const place = mkdtempSync(join(tmpdir(), 'ossea-credentials-'));
    try {
      writeFileSync(join(place, 'ossea-vault-key'), randomBytes(48));
      const slot = systemdSlot(place) as Slot;
      await vault(slot, keyFile()).put('a', secret, how);
      expect(readdirSync(dir).sort()).toEqual(['vault.json', 'vault.lock']);
      expect(await vault(systemdSlot(place) as Slot).get('a', how)).toBe(secret);
      writeFileSync(join(place, 'ossea-vault-key'), randomBytes(48));
      await expect(vault(systemdSlot(place) as Slot).get('a', how)).rejects.toEqual(refused('VAULT_KEY_WRONG'));
      await expect(vault().get('a', how)).rejects.toMatchObject({
        code: 'VAULT_LOCKED',
        details: { slots: ['systemd-credential'] },
      });
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});

describe('who can open it', () => {
  test('a passphrase is added and the key file taken off: then only the passphrase opens it, and it stays the last', async () => {
    const both = vault(keyFile(), passphrase('äpfel und birnen'));
    await both.put('a', secret, how);
    await both.addSlot(passphrase('äpfel und birnen'), how);
    expect((await both.state(how)).slots).toEqual(['key-file', 'passphrase']);
    await both.removeSlot('key-file', how);
    expect(readdirSync(dir)).not.toContain('vault.key');
    await expect(vault().get('a', how)).rejects.toEqual(refused('VAULT_LOCKED'));
    // Composed and decomposed letters look the same to whoever types them.
    expect(await vault(passphrase('a\u0308pfel und birnen')).get('a', how)).toBe(secret);
    const before = readFileSync(file());
    await expect(vault(passphrase('apfel und birnen')).put('b', 'x', how)).rejects.toEqual(refused('VAULT_KEY_WRONG'));
    await expect(both.removeSlot('passphrase', how)).rejects.toEqual(refused('INVALID_REQUEST'));
    expect(readFileSync(file())).toEqual(before);
  });

  test('a wrong passphrase does no harm while the key file is at hand', async () => {
    await vault().put('a', secret, how);
    await vault().addSlot(passphrase('right'), how);
    expect(await vault(passphrase('wrong'), keyFile()).get('a', how)).toBe(secret);
  });

  test('the keyring of a desktop keeps the key; a keyring that protects nothing counts as none', async () => {
    const held = new Map<string, string>();
    const keyring: Keyring = {
      backend: 'gnome_libsecret',
      wrap: (text) => {
        const ticket = randomBytes(8);
        held.set(ticket.toString('hex'), text);
        return Promise.resolve(ticket);
      },
      unwrap: (ticket) => {
        const text = held.get(ticket.toString('hex'));
        return text === undefined ? Promise.reject(new Error('no such item')) : Promise.resolve(text);
      },
    };
    expect(keyringSlot(undefined)).toBeNull();
    expect(keyringSlot({ ...keyring, backend: 'basic_text' })).toBeNull();
    const slot = keyringSlot(keyring) as Slot;
    await vault(slot).put('a', secret, how);
    expect(await vault(slot).get('a', how)).toBe(secret);
    held.clear();
    await expect(vault(slot).get('a', how)).rejects.toMatchObject({
      code: 'VAULT_LOCKED',
      reason: 'The keyring (gnome_libsecret) does not give the key: no such item',
    });
  });

  test('a new key for everything: all secrets stay, no box does, and nothing is left out', async () => {
    const slots = [keyFile(), passphrase('p')];
    const both = vault(...slots);
    await both.put('a', secret, how);
    await both.put('b', 'second', how);
    await both.addSlot(passphrase('p'), how);
    const before = readFileSync(file(), 'utf8');
    await expect(both.rotate([keyFile()], how)).rejects.toMatchObject({
      code: 'VAULT_LOCKED',
      reason: expect.stringContaining('passphrase is missing') as unknown,
    });
    expect(readFileSync(file(), 'utf8')).toBe(before);
    const observer = vault();
    expect(await observer.get('a', how)).toBe(secret);
    await both.rotate(slots, how);
    for (const box of before.matchAll(/"(?:box|wrapped_key)":"([^"]+)"/g))
      expect(readFileSync(file(), 'utf8')).not.toContain(box[1]);
    // Also for who had remembered the old key, and by each slot.
    expect(await observer.get('a', how)).toBe(secret);
    expect(await vault(passphrase('p')).get('b', how)).toBe('second');
  });
});

describe('a file that is not what was written', () => {
  test('a flipped bit in any byte is found, and the file is left as it is', async () => {
    await vault().put('a', secret, how);
    await vault().put('b', 'second', how);
    const good = readFileSync(file());
    const missed: number[] = [];
    for (let at = 0; at < good.length; at += 1) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(file(), bad);
      const error = (await vault()
        .get('a', how)
        .catch((thrown: unknown) => thrown)) as { code?: string };
      // A flipped format number may look like one of a newer program.
      if (!['VAULT_DAMAGED', 'SCHEMA_NEWER'].includes(error.code ?? '')) missed.push(at);
      if (at % 100 === 0) {
        await expect(vault().put('c', 'x', how)).rejects.toThrow();
        expect(readFileSync(file())).toEqual(bad);
      }
    }
    expect(good.length).toBeGreaterThan(500);
    expect(missed).toEqual([]);
  });

  test.each(['', '{', 'null', '[]', '{}'])('what is no vault is never written over: %j', async (text) => {
    writeFileSync(file(), text);
    await expect(vault().put('a', 'x', how)).rejects.toEqual(refused('VAULT_DAMAGED'));
    expect(readFileSync(file(), 'utf8')).toBe(text);
  });

  test('a file of a newer program is refused as such', async () => {
    await vault().put('a', secret, how);
    writeFileSync(file(), readFileSync(file(), 'utf8').replace('"format":1', '"format":2'));
    await expect(vault().get('a', how)).rejects.toEqual(refused('SCHEMA_NEWER'));
  });

  test('who can write the file but has no key can neither exchange, drop nor bring back a secret', async () => {
    await vault().put('a', secret, how);
    const older = boxes();
    await vault().put('a', 'newer', how);
    await vault().put('b', 'second', how);
    const good = readFileSync(file(), 'utf8');
    const [a = { box: '' }, b = { box: '' }] = entriesOf(good);
    const forgeries = [
      (text: string) => text.replace(a.box, '#').replace(b.box, a.box).replace('#', b.box),
      (text: string) => text.replace(JSON.stringify(a), '').replace('[,', '['),
      (text: string) => text.replace(a.box, older[0] ?? ''),
    ];
    for (const forge of forgeries) {
      writeFileSync(file(), withChecksum(forge(good)));
      await expect(vault().get('b', how)).rejects.toMatchObject({
        code: 'VAULT_DAMAGED',
        reason: expect.stringContaining('does not hold its key') as unknown,
      });
    }
    writeFileSync(file(), good);
    expect(await vault().get('a', how)).toBe('newer');
  });

  test('a box is bound to what it is about, without room for confusion', () => {
    const key = randomBytes(32);
    const box = closeBox(key, Buffer.from(secret), ['entry', 'a', '12']);
    expect(openBox(key, box, ['entry', 'a', '12'])?.toString()).toBe(secret);
    expect(openBox(key, box, ['entry', 'a', '1'])).toBeNull();
    expect(openBox(key, box, ['entry', 'a1', '2'])).toBeNull();
    expect(openBox(randomBytes(32), box, ['entry', 'a', '12'])).toBeNull();
    expect(openBox(key, 'short', ['entry', 'a', '12'])).toBeNull();
  });
});

test('two writers at once: what each of them wrote is there', async () => {
  await vault().put('first', 'x', how);
  const names = Array.from({ length: 40 }, (_, index) => `name-${String(index).padStart(2, '0')}`);
  const writers = [vault(), vault(), vault()];
  await Promise.all(
    names.map((name, index) =>
      (writers[index % 3] ?? vault()).put(name, `of ${name}`, { signal: AbortSignal.timeout(600_000) }),
    ),
  );
  expect(await vault().list(how)).toEqual(['first', ...names]);
  expect(await vault().get('name-17', how)).toBe('of name-17');
});

test('who waits for another writer can be stopped', async () => {
  const blocked = vault(passphraseSlot(() => new Promise<never>(() => undefined)));
  const stop = new AbortController();
  const first = blocked.put('a', 'x', { signal: new AbortController().signal });
  const second = vault().put('a', 'x', { signal: stop.signal });
  await setImmediate();
  stop.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  expect(await Promise.race([first, Promise.resolve('still waiting')])).toBe('still waiting');
});

type EntryText = { readonly name: string; readonly version: number; readonly box: string };
const entriesOf = (text: string): EntryText[] => (JSON.parse(text) as { entries: EntryText[] }).entries;
const boxes = (): string[] => entriesOf(readFileSync(file(), 'utf8')).map((entry) => entry.box);

/** As anybody can make it who read the source. */
function withChecksum(text: string): string {
  const { seal, checksum, ...rest } = JSON.parse(text) as {
    seal: string;
    checksum: string;
    slots: { kind: SlotKind }[];
  };
  const content = JSON.stringify(rest);
  const fitting = createHash('sha256').update(content).update(seal).digest('hex');
  expect(fitting).toHaveLength(checksum.length);
  return JSON.stringify({ ...rest, seal, checksum: fitting });
}
