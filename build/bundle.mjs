import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { distDir, repository } from './setup/paths.mjs';
import { SetupError } from './setup/run.mjs';
import { runCommand } from './setup.mjs';

/** What ships. `sources` are the folders whose change makes a bundle stale. */
export const bundles = [
  { name: 'ossea', entry: 'main/cli/main.ts', output: 'ossea.cjs', sources: ['main', 'shared'] },
  { name: 'hasher', entry: 'main/hasher/hasher.ts', output: 'hasher.cjs', sources: ['main', 'shared'] },
  { name: 'shell', entry: 'electron/main.ts', output: 'electron/main.cjs', sources: ['electron', 'main', 'shared'] },
  {
    name: 'preload',
    entry: 'electron/preload/preload.ts',
    output: 'electron/preload.cjs',
    sources: ['electron', 'shared'],
    browser: true,
  },
  {
    name: 'renderer',
    entry: 'renderer/index.html',
    output: 'renderer/index.html',
    sources: ['renderer', 'shared'],
    vite: true,
  },
];

export const mainBundles = ['ossea', 'hasher'];

/** Builds what is stale; `names` narrows it. Returns the names that were built. */
export async function bundle(names = bundles.map((one) => one.name), log = console.log) {
  const wanted = bundles.filter((one) => names.includes(one.name));
  const missing = wanted.filter((one) => !existsSync(join(repository, one.entry)));
  if (missing.length > 0) {
    throw new SetupError(
      `These entries of bundles do not exist:\n${missing.map((one) => `  ${one.entry} (for dist/${one.output})`).join('\n')}`,
    );
  }
  const known = new Map();
  const stale = wanted.filter((one) => !isFresh(one, known));
  await Promise.all(
    stale.map(async (one) => {
      const key = sourceKey(one, known);
      await (one.vite ? buildRenderer() : buildScript(one));
      // Written last: a build that broke off leaves the bundle stale.
      mkdirSync(join(distDir, '.keys'), { recursive: true });
      writeFileSync(join(distDir, '.keys', one.name), key);
    }),
  );
  if (stale.length > 0) log(`bundled: ${stale.map((one) => one.name).join(', ')}`);
  return stale.map((one) => one.name);
}

function isFresh(one, known) {
  const keyFile = join(distDir, '.keys', one.name);
  if (!existsSync(join(distDir, one.output)) || !existsSync(keyFile)) return false;
  return readFileSync(keyFile, 'utf8') === sourceKey(one, known);
}

function sourceKey(one, known) {
  const hash = createHash('sha256');
  for (const place of [
    ...one.sources,
    'build/bundle.mjs',
    'build/old-node-shim.ts',
    'package-lock.json',
    'package.json',
  ]) {
    if (!known.has(place)) known.set(place, contentKey(join(repository, place)));
    hash.update(place).update(known.get(place));
  }
  return hash.digest('hex');
}

function contentKey(path) {
  const hash = createHash('sha256');
  const visit = (file) => {
    if (/[.]test[.]tsx?$/.test(file)) return;
    hash.update(relative(repository, file)).update('\0').update(readFileSync(file)).update('\0');
  };
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) walk(join(dir, entry.name));
      else if (entry.isFile()) visit(join(dir, entry.name));
    }
  };
  if (!existsSync(path)) return 'absent';
  if (/[.]\w+$/.test(path)) visit(path);
  else walk(path);
  return hash.digest('hex');
}

async function buildScript(one) {
  const esbuild = await import('esbuild');
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  try {
    await esbuild.build({
      absWorkingDir: repository,
      entryPoints: [one.entry],
      outfile: join(distDir, one.output),
      bundle: true,
      format: 'cjs',
      platform: one.browser ? 'browser' : 'node',
      target: one.browser ? 'chrome114' : 'node18',
      // Both load native code or are the runtime itself; everything else is inside, so that what is tested is what ships.
      external: ['electron', 'sqlite3'],
      ...(one.browser ? {} : { inject: [join(repository, 'build/old-node-shim.ts')] }),
      define: { OSSEA_VERSION: JSON.stringify(version) },
      sourcemap: true,
      sourcesContent: false,
      keepNames: true,
      logLevel: 'silent',
    });
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    const text = await esbuild.formatMessages(error.errors, { kind: 'error', color: process.stdout.isTTY === true });
    throw new SetupError(`dist/${one.output} could not be built.\n${text.join('\n')}`);
  }
}

async function buildRenderer() {
  const { build } = await import('vite');
  const { default: react } = await import('@vitejs/plugin-react');
  await build({
    configFile: false,
    root: join(repository, 'renderer'),
    // Relative, so that the same pages work from http and from the window's own protocol.
    base: './',
    plugins: [react()],
    logLevel: 'warn',
    build: {
      outDir: join(distDir, 'renderer'),
      emptyOutDir: true,
      target: 'chrome114',
      cssTarget: 'chrome114',
      sourcemap: true,
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 2000,
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runCommand(async () => {
    const names = process.argv.slice(2);
    if (names.includes('--force')) rmSync(join(distDir, '.keys'), { recursive: true, force: true });
    const wanted = names.filter((name) => !name.startsWith('--'));
    await bundle(wanted.length > 0 ? wanted : undefined);
  });
}
