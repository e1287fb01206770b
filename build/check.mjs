import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeEnvironment } from './environment.mjs';
import { npmPackagesAreInstalled } from './setup/npm-packages.mjs';
import { repository } from './setup/paths.mjs';
import { SetupError } from './setup/run.mjs';
import { runCommand } from './setup.mjs';

const sourceFolders = ['shared', 'main', 'electron', 'renderer', 'test', 'build'];

function steps() {
  const present = sourceFolders.filter(
    (folder) => existsSync(join(repository, folder)) && hasSource(join(repository, folder)),
  );
  return [
    { name: 'lint', argv: ['eslint', '--max-warnings=0', '.'] },
    ...present.map((folder) => ({
      name: `types of ${folder}`,
      argv: ['tsc', '--project', folder, '--pretty', 'false'],
    })),
    { name: 'format', argv: ['biome', 'format', '.'] },
    {
      name: 'import rules',
      argv: ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...present],
    },
    { name: 'dead code', argv: ['knip', '--no-progress', '--no-config-hints'] },
  ];
}

function hasSource(folder) {
  return readdirSync(folder, { recursive: true }).some((name) => /[.](tsx?|mjs)$/.test(name));
}

/** Runs every check, two at a time, and returns `{name, ok, seconds, output}` for each. */
export async function check(log = console.log) {
  const open = steps();
  const results = [];
  const worker = async () => {
    for (let step = open.shift(); step !== undefined; step = open.shift()) {
      const result = await runStep(step);
      results.push(result);
      log(`${result.ok ? 'ok    ' : 'FAILED'} ${result.name} (${result.seconds.toFixed(1)} s)`);
      if (!result.ok) log(result.output.replace(/^/gm, '    '));
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}

function runStep({ name, argv: [program, ...args] }) {
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(join(repository, 'node_modules/.bin', program), args, {
      cwd: repository,
      env: { ...makeEnvironment(), FORCE_COLOR: '0', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ name, ok: code === 0, seconds: (Date.now() - started) / 1000, output: output.trim() }),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runCommand(async () => {
    if (!npmPackagesAreInstalled()) throw new SetupError('Not set up yet. Run: node build/setup.mjs');
    const results = await check();
    const failed = results.filter((result) => !result.ok);
    console.log(
      failed.length === 0 ? `${results.length} checks passed` : `${failed.length} of ${results.length} checks failed`,
    );
    return failed.length === 0 ? 0 : 1;
  });
}
