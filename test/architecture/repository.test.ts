import { readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { listFiles, repository } from './repository.ts';

const banned = [
  'manager',
  'helper',
  'helpers',
  'util',
  'utils',
  'common',
  'misc',
  'service',
  'data',
  'info',
  'base',
  'impl',
];

/** Names that a tool or the outside world prescribes. */
const prescribed = new Set(['package-lock.json']);

const isText = (path: string) => /[.](ts|tsx|mjs|cjs|js|json|md|html|css|sh|py|txt|conf|yml)$|^[.]ci[/]run$/.test(path);

test('no path is named by a word that says nothing', async () => {
  // "Data dir" is a word of the product.
  const words = (path: string) =>
    path
      .toLowerCase()
      .replace(/data-dir/, 'datadir')
      .split(/[/.\-_]/);
  const files = (await listFiles()).filter((path) => !path.startsWith('test/fixtures/cloudstack/'));
  expect(files.filter((path) => words(path).some((word) => banned.includes(word)))).toEqual([]);
});

test('file names are kebab-case', async () => {
  const sources = (await listFiles()).filter((path) => /^(shared|main|electron|renderer|test|build)[/]/.test(path));
  const wrong = sources.filter((path) => /[.](ts|tsx|mjs)$/.test(path) && !/^[a-z0-9\-./]+$/.test(path));
  expect(wrong).toEqual([]);
});

test('nothing in the repository depends on the machine or the network it was written on', async () => {
  // Written in pieces, or this file would find itself.
  const foreign = [
    ['/wo', 'rk/'],
    ['/ro', 'ot/'],
    ['registry.', 'npmjs'],
    ['artifact', 'registry'],
    ['/tmp/', 'briefs'],
  ].map((parts) => parts.join(''));
  const hits: string[] = [];
  for (const path of (await listFiles()).filter((file) => isText(file) && !prescribed.has(file))) {
    const text = await readFile(join(repository, path), 'utf8');
    for (const word of foreign) if (text.includes(word)) hits.push(`${path}: ${word}`);
  }
  const lock = await readFile(join(repository, 'package-lock.json'), 'utf8');
  if (/"resolved": "http/.test(lock)) hits.push('package-lock.json: names the host of a registry');
  expect(hits).toEqual([]);
});

test('the links of the documents lead somewhere', async () => {
  const documents = (await listFiles()).filter((path) => path.endsWith('.md'));
  const broken: string[] = [];
  for (const path of documents) {
    const text = (await readFile(join(repository, path), 'utf8')).replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '');
    for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      const target = match[1] ?? '';
      if (/^(https?:|mailto:|#)/.test(target)) continue;
      const [file] = target.split('#');
      if (file === undefined || !(await exists(normalize(join(dirname(path), file)))))
        broken.push(`${path}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test('the lockfile names every optional package of every platform, as npm ci demands', async () => {
  type Lock = { packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }> };
  const { packages } = JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8')) as Lock;
  const missing = Object.entries(packages).flatMap(([parent, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) =>
        packages[`node_modules/${name}`] === undefined && packages[`${parent}/node_modules/${name}`] === undefined,
    ),
  );
  // Mended by: node build/complete-lock.mjs
  expect(missing.filter((name) => name !== 'node-gyp')).toEqual([]);
});

async function exists(path: string): Promise<boolean> {
  return stat(join(repository, path)).then(
    () => true,
    () => false,
  );
}
