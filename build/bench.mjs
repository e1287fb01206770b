import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { runInOurPlace } from './child.mjs';
import { openDisplay } from './display.mjs';
import { findProgram, hasDisplay, makeEnvironment } from './environment.mjs';
import { npmPackagesAreInstalled } from './setup/npm-packages.mjs';
import { distDir, repository } from './setup/paths.mjs';
import { SetupError } from './setup/run.mjs';
import { runCommand } from './setup.mjs';

const entry = fileURLToPath(new URL('../test/bench/bench.ts', import.meta.url));
/** Two folders below the repository, as its source is: what it imports finds dist and .setup from there. */
const program = join(distDir, 'bench/bench.mjs');

await runCommand(async () => {
  if (!npmPackagesAreInstalled()) throw new SetupError('Not set up yet. Run: node build/setup.mjs');
  // On stderr: stdout belongs to the table, or to the one JSON document.
  await bundle(undefined, console.error);
  await bundleBench();
  const environment = makeEnvironment();
  const argv = [process.execPath, program, ...process.argv.slice(2)];
  // Without any display the row of the window says so; the others are measured all the same.
  if (!hasDisplay(environment) && findProgram('Xvfb', environment) === null) {
    return runInOurPlace(argv, { env: environment, cwd: repository });
  }
  const display = await openDisplay(environment);
  try {
    return await runInOurPlace(argv, { env: display.environment, cwd: repository });
  } finally {
    await display.close();
  }
});

async function bundleBench() {
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: repository,
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // undici asks for parts of Node by require, which an ESM bundle has not.
    external: ['sqlite3', 'electron', 'undici'],
    sourcemap: true,
    logLevel: 'silent',
  });
}
