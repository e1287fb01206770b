#!/usr/bin/env node
import { join } from 'node:path';
import { bundle, mainBundles } from './bundle.mjs';
import { runInOurPlace } from './child.mjs';
import { makeEnvironment } from './environment.mjs';
import { npmPackagesAreInstalled } from './setup/npm-packages.mjs';
import { distDir } from './setup/paths.mjs';
import { SetupError } from './setup/run.mjs';
import { runCommand } from './setup.mjs';

await runCommand(async () => {
  if (!npmPackagesAreInstalled()) throw new SetupError('Not set up yet. Run: node build/setup.mjs');
  // On stderr: stdout belongs to the command (exactly one JSON document with --json).
  await bundle(mainBundles, console.error);
  return runInOurPlace([process.execPath, join(distDir, 'ossea.cjs'), ...process.argv.slice(2)], {
    env: makeEnvironment(),
  });
});
