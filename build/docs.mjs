import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { npmPackagesAreInstalled } from './setup/npm-packages.mjs';
import { repository } from './setup/paths.mjs';
import { run, SetupError } from './setup/run.mjs';
import { runCommand } from './setup.mjs';

/** The documents that are made from the code. They are committed; test/architecture says when they are stale. */
async function generateDocs() {
  const { catalogue, daemonDocument, vmaDocument } = await loadContract();
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  return {
    'docs/errors.md': await formatted(errorsDocument(catalogue), 'docs/errors.md'),
    'docs/openapi.json': await formatted(JSON.stringify(daemonDocument(version), null, 2), 'docs/openapi.json'),
    'docs/openapi-vma.json': await formatted(JSON.stringify(vmaDocument(version), null, 2), 'docs/openapi-vma.json'),
  };
}

/** The sources are TypeScript with packages behind them: bundled once, loaded, thrown away. */
async function loadContract() {
  const { build } = await import('esbuild');
  const dir = mkdtempSync(join(tmpdir(), 'ossea-docs-'));
  const outfile = join(dir, 'contract.mjs');
  try {
    await build({
      stdin: {
        contents:
          "export { catalogue } from './shared/errors.ts';\nexport { daemonDocument, vmaDocument } from './main/api/documents.ts';\n",
        resolveDir: repository,
        sourcefile: 'contract.mjs',
      },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      logLevel: 'silent',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** `npm run check` formats every file of the repository, so a generated one is born formatted. */
async function formatted(text, name) {
  const dir = mkdtempSync(join(tmpdir(), 'ossea-docs-'));
  const file = join(dir, basename(name));
  try {
    writeFileSync(file, text);
    const biome = join(repository, 'node_modules/.bin/biome');
    const argv = [biome, 'format', '--write', `--config-path=${join(repository, 'biome.json')}`, file];
    const result = await run(argv, { cwd: dir, mayFail: true });
    if (result.code !== 0) throw new SetupError(`${name} could not be formatted.\n${result.stderr.trim()}`);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const after = {
  fail: 'A request is refused with it. A migration that meets it is undone and ends `failed`.',
  hold: 'A migration that meets it is `held`, with everything left in place.',
};

/** In one or two sentences: does the engine try again, and what becomes of a migration then. */
function consequence(code, entry) {
  if (code === 'CANCELLED') return 'The migration is undone and ends `cancelled`.';
  if (entry.retry === 'never') return after[entry.after];
  return 'A migration that meets it waits and tries again by itself. Where the tries are limited and used up, it is `held`.';
}

function errorsDocument(catalogue) {
  const codes = Object.entries(catalogue).sort(([a], [b]) => (a < b ? -1 : 1));
  const heldCodes = codes.filter(([, entry]) => entry.after === 'hold' && entry.retry === 'never');
  return `# Errors

<!-- Made by \`node build/docs.mjs\` from shared/errors.ts. Do not edit. -->

Every error has the same form in REST, in the window and with \`--json\`:
\`{"error", "code", "cause", "remedy", "details"}\`.
\`cause\` says what exactly happened this time; \`details\` carries ids and evidence.

- A **failed** migration is undone: exports closed, volumes detached, volumes without data deleted.
  Volumes that received data are kept and named under \`left_behind\`.
- A **held** migration keeps everything in place until you resume it or cancel it.
- A **waiting** migration tries again by itself.

There are ${codes.length} codes; ${heldCodes.length} of them hold a migration at once.
When a command of the terminal ends with an error, [operations.md](operations.md#exit-codes) says with which exit code.

${codes.map(([code, entry]) => errorSection(code, entry)).join('\n')}`;
}

function errorSection(code, entry) {
  return `## ${code}

${entry.summary}

- What to do: ${entry.remedy}
- What happens: ${consequence(code, entry)}
- HTTP status: ${entry.status}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runCommand(async () => {
    if (!npmPackagesAreInstalled()) throw new SetupError('Not set up yet. Run: node build/setup.mjs');
    const onlyCheck = process.argv.includes('--check');
    let stale = 0;
    for (const [path, text] of Object.entries(await generateDocs())) {
      const file = join(repository, path);
      const isFresh = existsSync(file) && readFileSync(file, 'utf8') === text;
      if (!isFresh) stale += 1;
      if (!isFresh && !onlyCheck) writeFileSync(file, text);
      console.log(`${path} ${isFresh ? 'is up to date' : onlyCheck ? 'is stale' : 'written'}`);
    }
    return onlyCheck && stale > 0 ? 1 : 0;
  });
}
