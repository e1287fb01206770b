import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { plantTree, repository, runTool } from './repository.ts';

type Report = { summary: { violations: { from: string; rule: { name: string } }[] } };

const value = 'export const value = 1;\n';
const imports = (path: string, name = 'value') => `import { ${name} } from '${path}';\nexport const used = ${name};\n`;
const importsPackage = (name: string) => `import * as all from '${name}';\nexport const used = all;\n`;

/** What the planted files import. */
const targets: Record<string, string> = {
  'shared/errors.ts': value,
  'main/domain/thing.ts': value,
  'main/ports/thing.ts': value,
  'main/engine/thing.ts': value,
  'main/workflows/thing.ts': value,
  'main/usecases/thing.ts': value,
  'main/adapters/nbd/thing.ts': value,
  'main/adapters/processes/thing.ts': value,
  'main/api/thing.ts': value,
  'main/lab/lab.ts': value,
  'main/lab/inner.ts': value,
  'main/hasher/protocol.ts': value,
  'main/hasher/inner.ts': value,
  'main/compose.ts': value,
  'electron/thing.ts': value,
  'renderer/app/thing.ts': value,
  'renderer/features/one/thing.ts': value,
  'test/fixtures/thing.ts': value,
};

/** One violation per file: the rule that must fire, and the file that breaks it. */
const planted: [rule: string, file: string, text: string][] = [
  ['shared-is-a-leaf', 'shared/bad.ts', imports('../main/domain/thing.ts')],
  ['domain-knows-only-shared', 'main/domain/bad.ts', imports('../ports/thing.ts')],
  ['ports-know-only-domain', 'main/ports/bad.ts', imports('../engine/thing.ts')],
  ['engine-is-generic', 'main/engine/bad.ts', imports('../domain/thing.ts')],
  ['workflows-do-no-io', 'main/workflows/bad.ts', imports('../adapters/nbd/thing.ts')],
  ['preflight-does-no-io', 'main/preflight/bad.ts', imports('../adapters/nbd/thing.ts')],
  ['correlation-does-no-io', 'main/correlation/bad.ts', imports('../adapters/nbd/thing.ts')],
  ['usecases-do-no-io', 'main/usecases/bad.ts', imports('../adapters/nbd/thing.ts')],
  ['adapters-implement-ports', 'main/adapters/nbd/bad.ts', imports('../../engine/thing.ts')],
  ['adapters-implement-ports', 'main/adapters/nbd/bad-hasher.ts', imports('../../hasher/inner.ts')],
  ['api-calls-usecases', 'main/api/bad.ts', imports('../engine/thing.ts')],
  ['cli-goes-through-compose', 'main/cli/bad.ts', imports('../usecases/thing.ts')],
  ['cli-goes-through-compose', 'main/cli/bad-lab.ts', imports('../lab/inner.ts')],
  ['hasher-stands-alone', 'main/hasher/bad.ts', imports('../domain/thing.ts')],
  ['lab-is-reached-only-from-outside', 'main/lab/bad.ts', imports('../adapters/nbd/thing.ts')],
  ['daemon-is-headless', 'main/domain/bad-window.ts', imports('../../electron/thing.ts')],
  ['electron-enters-by-compose', 'electron/bad.ts', imports('../main/usecases/thing.ts')],
  ['renderer-sees-only-the-contract', 'renderer/bad.ts', imports('../main/domain/thing.ts')],
  ['only-cli-and-compose-start-the-lab', 'main/usecases/bad-lab.ts', imports('../lab/lab.ts')],
  ['adapters-are-strangers', 'main/adapters/host/bad.ts', imports('../nbd/thing.ts')],
  ['features-are-strangers', 'renderer/features/two/bad.ts', imports('../one/thing.ts')],
  ['features-are-strangers', 'renderer/features/two/bad-app.ts', imports('../../app/thing.ts')],
  ['product-code-never-imports-test', 'main/compose-bad.ts', imports('../test/fixtures/thing.ts')],
  ['no-cycles', 'main/domain/bad-a.ts', imports('./bad-b.ts', 'used as value')],
  ['pure-core-knows-no-node', 'main/domain/bad-node.ts', importsPackage('node:fs')],
  ['pure-core-knows-no-node', 'shared/bad-node.ts', importsPackage('node:path')],
  ['no-unresolved-import', 'main/domain/bad-nowhere.ts', imports('./nowhere.ts')],
  ['electron-only-in-electron', 'main/adapters/system/bad.ts', importsPackage('electron')],
  ['sqlite-only-in-its-adapter', 'main/adapters/nbd/bad-sqlite.ts', importsPackage('sqlite3')],
  ['fastify-only-in-api', 'main/adapters/nbd/bad-fastify.ts', importsPackage('fastify')],
  ['pino-only-in-the-system-adapter', 'main/api/bad-pino.ts', importsPackage('pino')],
  ['react-only-in-renderer', 'electron/bad-react.ts', importsPackage('react')],
];

const allowed: Record<string, string> = {
  'main/adapters/nbd/good.ts': imports('../processes/thing.ts'),
  'main/adapters/hashing/good.ts': imports('../../hasher/protocol.ts'),
  'main/cli/good.ts': imports('../lab/lab.ts'),
  'main/api/good.ts': importsPackage('fastify'),
  'main/usecases/good.ts': imports('../workflows/thing.ts'),
  'electron/good.ts': importsPackage('electron'),
  'renderer/features/two/good.ts': imports('../../../shared/errors.ts'),
};

test('every import rule fires on a file that breaks it, and on no other', async () => {
  const files = Object.fromEntries(planted.map(([, file, text]) => [file, text]));
  const cycle = { 'main/domain/bad-b.ts': imports('./bad-a.ts', 'used as value') };
  const tree = await plantTree({ ...targets, ...allowed, ...files, ...cycle });
  try {
    const folders = ['shared', 'main', 'electron', 'renderer', 'test'];
    const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders];
    const { stdout } = await runTool('depcruise', args, tree.dir);
    const found = (JSON.parse(stdout) as Report).summary.violations.map((one) => `${one.rule.name} ${one.from}`);

    const wanted = planted.map(([rule, file]) => `${rule} ${file}`);
    expect(wanted.filter((line) => !found.includes(line))).toEqual([]);

    const innocent = [...Object.keys(targets), ...Object.keys(allowed)];
    expect(found.filter((line) => innocent.some((file) => line.endsWith(` ${file}`)))).toEqual([]);
  } finally {
    await tree.remove();
  }
});

test('no import rule is without its planted violation', () => {
  const config = createRequire(import.meta.url)(join(repository, '.dependency-cruiser.cjs')) as {
    forbidden: { name: string }[];
  };
  const shown = new Set(planted.map(([rule]) => rule));
  expect(config.forbidden.map((rule) => rule.name).filter((name) => !shown.has(name))).toEqual([]);
});
