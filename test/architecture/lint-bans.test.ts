import { join } from 'node:path';
import { ESLint } from 'eslint';
import { expect, test } from 'vitest';
import { plantTree } from './repository.ts';

const wait = 'declare function wait(): Promise<void>;\n';
const manyLines = (count: number) => '  value += 1;\n'.repeat(count);

/** One file per ban: the rule that must fire on it. */
const planted: [rule: string, file: string, text: string][] = [
  ['no-restricted-properties', 'main/domain/now.ts', 'export const at = () => Date.now();\n'],
  ['no-restricted-syntax', 'main/domain/date.ts', 'export const at = () => new Date();\n'],
  ['no-restricted-properties', 'main/domain/chance.ts', 'export const dice = () => Math.random();\n'],
  [
    'no-restricted-globals',
    'main/adapters/nbd/timeout.ts',
    'export const later = (f: () => void) => setTimeout(f, 1);\n',
  ],
  [
    'no-restricted-globals',
    'main/adapters/nbd/interval.ts',
    'export const often = (f: () => void) => setInterval(f, 1);\n',
  ],
  ['no-restricted-globals', 'main/usecases/console.ts', "export const say = () => { console.log('x'); };\n"],
  ['no-restricted-imports', 'main/adapters/nbd/timers.ts', "export { setTimeout } from 'node:timers/promises';\n"],
  [
    '@typescript-eslint/no-restricted-imports',
    'main/lab/shell.ts',
    "import { exec } from 'node:child_process';\nexport const run = exec;\n",
  ],
  ['@typescript-eslint/no-floating-promises', 'main/lab/floating.ts', `${wait}export const go = () => { wait(); };\n`],
  [
    '@typescript-eslint/no-misused-promises',
    'main/lab/misused.ts',
    `${wait}export const go = (l: (() => void)[]) => { l.forEach(async () => { await wait(); }); };\n`,
  ],
  ['@typescript-eslint/only-throw-error', 'shared/thrown.ts', "export const go = () => { throw 'text'; };\n"],
  ['@typescript-eslint/no-explicit-any', 'shared/any.ts', 'export const any = (value: any) => String(value);\n'],
  [
    '@typescript-eslint/switch-exhaustiveness-check',
    'shared/switch.ts',
    "export const name = (kind: 'a' | 'b') => { switch (kind) { case 'a': return 1; } return 0; };\n",
  ],
  ['no-empty', 'shared/swallowed.ts', 'export const go = (f: () => void) => { try { f(); } catch {} };\n'],
  ['no-restricted-exports', 'shared/default.ts', 'const value = 1;\nexport default value;\n'],
  ['no-warning-comments', 'shared/later.ts', '// TODO write this\nexport const value = 1;\n'],
  [
    'max-params',
    'shared/params.ts',
    'export const sum = (a: number, b: number, c: number, d: number) => a + b + c + d;\n',
  ],
  [
    'max-lines-per-function',
    'shared/long.ts',
    `export function long() {\n  let value = 0;\n${manyLines(90)}  return value;\n}\n`,
  ],
  ['max-lines', 'shared/file.ts', 'export const value = 1;\n'.replace(/^/, '// line\n'.repeat(401))],
  [
    'react-hooks/rules-of-hooks',
    'renderer/features/hooks.tsx',
    "import { useState } from 'react';\nexport const Part = ({ on }: { readonly on: boolean }) => {\n  if (on) useState(1);\n  return null;\n};\n",
  ],
];

/** The real clock, chance and console belong to the edges of the program. */
const allowed: Record<string, string> = {
  'main/adapters/system/clock.ts': 'export const at = () => Date.now();\n',
  'main/cli/say.ts': "export const say = () => { console.log('x'); };\n",
  'main/lab/late.ts': 'export const later = (f: () => void) => setTimeout(f, 1);\n',
};

test('every lint ban fires on a file that breaks it, and the edges of the program are free of the bans on time and console', async () => {
  const files = Object.fromEntries(planted.map(([, file, text]) => [file, text]));
  const tree = await plantTree({ ...files, ...allowed });
  try {
    const eslint = new ESLint({ cwd: tree.dir, overrideConfigFile: join(tree.dir, 'eslint.config.js') });
    const results = await eslint.lintFiles(['.']);
    const found = results.flatMap((result) =>
      result.messages.map((message) => `${message.ruleId ?? 'parse'} ${result.filePath.slice(tree.dir.length + 1)}`),
    );
    const wanted = planted.map(([rule, file]) => `${rule} ${file}`);
    expect(wanted.filter((line) => !found.includes(line))).toEqual([]);
    expect(found.filter((line) => Object.keys(allowed).some((file) => line.endsWith(` ${file}`)))).toEqual([]);
    expect(found.filter((line) => line.startsWith('parse '))).toEqual([]);
  } finally {
    await tree.remove();
  }
});
