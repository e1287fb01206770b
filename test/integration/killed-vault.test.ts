import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyFileSlot } from '../../main/adapters/secrets/key-file-slot.ts';
import { createVault } from '../../main/adapters/secrets/vault.ts';
import { asAppError } from '../../shared/errors.ts';
import { isRoot } from '../fixtures/appliance.ts';
import { mountSmallStorage } from '../fixtures/full-disk.ts';

const how = { signal: AbortSignal.timeout(600_000) };

/** Puts secrets for ever and says each one that it put. */
const writer = `
import { createVault } from './main/adapters/secrets/vault.ts';
import { keyFileSlot } from './main/adapters/secrets/key-file-slot.ts';
const [dir, own] = process.argv.slice(2);
const vault = createVault({ dir, slots: [keyFileSlot(dir + '/vault.key')] });
const how = { signal: new AbortController().signal };
(async () => {
  for (let number = 0; ; number += 1) {
    const name = own + '-' + (number % 20);
    await vault.put(name, 'clear text of ' + name + ' ' + number, how);
    process.stdout.write(name + ' ' + number + '\\n');
  }
})();`;

let dir: string;
let program: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-vault-'));
  program = join(mkdtempSync(join(tmpdir(), 'ossea-writer-')), 'writer.cjs');
  await build({
    stdin: { contents: writer, resolveDir: join(import.meta.dirname, '../..'), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node18',
    outfile: program,
    logLevel: 'warning',
  });
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
  rmSync(join(program, '..'), { recursive: true, force: true });
});

type Writer = {
  readonly child: ChildProcess;
  /** By name: the number last acknowledged. */
  readonly put: ReadonlyMap<string, number>;
  readonly closed: Promise<unknown>;
  enough(count: number): Promise<void>;
};

function startWriter(own: string): Writer {
  const child = spawn(process.execPath, [program, dir, own], { stdio: ['ignore', 'pipe', 'inherit'] });
  const put = new Map<string, number>();
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    const [name = '', number] = line.split(' ');
    put.set(name, Number(number));
  });
  const closed = once(child, 'close');
  const endedEarly = closed.then(() => Promise.reject(new Error(`The writer ${own} ended.`)));
  const enough = async (count: number): Promise<void> => {
    for (let seen = 0; seen < count; seen += 1) await Promise.race([once(lines, 'line'), endedEarly]);
  };
  return { child, put, closed, enough };
}

/** The moment at which a writer has begun to write the file and not yet put it in its place, or just after. */
async function draftAppears(): Promise<void> {
  const watcher = watch(dir);
  try {
    for (;;) {
      const [, name] = (await once(watcher, 'change')) as [string, string | null];
      if (name?.endsWith('.new') === true) return;
    }
  } finally {
    watcher.close();
  }
}

test('two writers are killed again and again: nothing that was acknowledged is lost, and nothing is left in clear', async () => {
  const latest = new Map<string, number>();
  for (let round = 0; round < 12; round += 1) {
    writeFileSync(join(dir, 'vault.json.4711.new'), '{"format":1,"clear text of');
    const writers = ['red', 'blue'].map((colour) => startWriter(`${colour}${String(round)}`));
    await Promise.all(writers.map(({ enough }) => enough(5 + round)));
    if (round % 2 === 1) await draftAppears();
    for (const { child } of writers) child.kill('SIGKILL');
    await Promise.all(writers.map(({ closed }) => closed));
    for (const { put } of writers) for (const [name, number] of put) latest.set(name, number);

    const vault = createVault({ dir, slots: [keyFileSlot(join(dir, 'vault.key'))] });
    for (const [name, number] of latest) {
      const kept = await vault.get(name, how);
      // A later one of that name may have been written and not acknowledged.
      expect([`clear text of ${name} ${String(number)}`, `clear text of ${name} ${String(number + 20)}`]).toContain(
        kept,
      );
    }
    await vault.put('after', 'x', how);
    expect(readdirSync(dir).sort()).toEqual(['vault.json', 'vault.key', 'vault.lock']);
    expect(readFileSync(join(dir, 'vault.json')).includes('clear text')).toBe(false);
  }
  expect(latest.size).toBeGreaterThan(100);
});

test.skipIf(!isRoot)(
  'the disk is full: the secret is refused, the others stay (needs root: a small file system is mounted)',
  async () => {
    const storage = mountSmallStorage(1);
    try {
      const vault = createVault({ dir: storage.path, slots: [keyFileSlot(join(storage.path, 'vault.key'))] });
      await vault.put('kept', 'x', how);
      const failure: unknown = await vault.put('large', 'y'.repeat(2 ** 20), how).catch((error: unknown) => error);
      expect(asAppError(failure).code).toBe('DATA_DIR_FULL');
      expect(await vault.list(how)).toEqual(['kept']);
      await vault.put('small', 'z', how);
      expect(await vault.list(how)).toEqual(['kept', 'small']);
    } finally {
      storage.unmount();
    }
  },
);
