import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository, runProgram } from './repository.ts';

test('a second set-up waits for the first, also when the first is killed', async () => {
  const script = (body: string) =>
    `import { withSetupLock } from ${JSON.stringify(join(repository, 'build/setup/lock.mjs'))};
await withSetupLock((line) => console.log(line), async () => { ${body} });`;
  const start = (body: string) =>
    spawn(process.execPath, ['--input-type=module', '--eval', script(body)], { stdio: ['ignore', 'pipe', 'inherit'] });

  const first = start("console.log('first in'); await new Promise((done) => setTimeout(done, 600_000));");
  await once(first.stdout, 'data');
  const second = start("console.log('second in');");
  const said: string[] = [];
  second.stdout.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  await once(second.stdout, 'data');
  expect(said.join('')).toContain('Another set-up works in this folder');
  expect(said.join('')).not.toContain('second in');

  first.kill('SIGKILL');
  await once(second, 'close');
  expect(said.join('')).toContain('second in');
});

test('ossea passes arguments, output and exit code through', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ossea-child-'));
  try {
    const entry = join(dir, 'entry.mjs');
    await writeFile(
      entry,
      `import { runInOurPlace } from ${JSON.stringify(join(repository, 'build/child.mjs'))};
process.exitCode = await runInOurPlace([process.execPath, '-e', 'console.log(process.argv.slice(1).join("|")); process.exit(7)', 'a b', '$c'], { env: process.env });`,
    );
    expect(await runProgram(process.execPath, [entry], dir)).toEqual({ code: 7, stdout: 'a b|$c\n', stderr: '' });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('nothing that runs before the packages are installed imports one', async () => {
  const first = [
    'setup.mjs',
    'environment.mjs',
    'child.mjs',
    'display.mjs',
    'ossea.mjs',
    'bundle.mjs',
    'start.mjs',
    'test.mjs',
    'check.mjs',
  ];
  const bare: string[] = [];
  for (const name of first) {
    const text = await readFile(join(repository, 'build', name), 'utf8');
    const statics = [...text.matchAll(/^import .*from '([^']+)'/gm)].map((match) => match[1] ?? '');
    bare.push(
      ...statics.filter((from) => !from.startsWith('node:') && !from.startsWith('.')).map((from) => `${name}: ${from}`),
    );
  }
  expect(bare).toEqual([]);
});
