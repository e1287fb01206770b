import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeEnvironment } from '../environment.mjs';
import { repository } from './paths.mjs';
import { compilerEnvironment } from './private-tools.mjs';
import { run, SetupError } from './run.mjs';
import { keyOf, readStamp, writeStamp } from './stamp.mjs';

const lockfile = join(repository, 'package-lock.json');
const nativeBinary = join(repository, 'node_modules/sqlite3/build/Release/node_sqlite3.node');

/** True when node_modules holds exactly what the lockfile says. npm writes its hidden lockfile last. */
export function npmPackagesAreInstalled() {
  const hidden = join(repository, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  if (readStamp().npm === npmKey()) return true;
  const wanted = JSON.parse(readFileSync(lockfile, 'utf8')).packages;
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || entry.optional === true || entry.devOptional === true || present[path]?.version === entry.version,
  );
}

export function nativeModulesAreBuilt() {
  return existsSync(nativeBinary) && readStamp().native === nativeKey();
}

function npmKey() {
  return keyOf(readFileSync(lockfile, 'utf8'), process.version, process.arch);
}

function nativeKey() {
  const { version } = JSON.parse(readFileSync(lockfile, 'utf8')).packages['node_modules/sqlite3'];
  return keyOf(version, process.version, process.arch);
}

export async function installNpmPackages() {
  await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress']);
  writeStamp('npm', npmKey());
}

/** sqlite3 is built from source: its own script would first ask an internet address for a ready binary, which a closed network never answers. */
export async function buildNativeModules(log) {
  if (!(await sqliteLoads()) || !existsSync(nativeBinary)) {
    log('  compiling sqlite3 (about a minute on two cores)');
    await npm(['rebuild', 'sqlite3', '--foreground-scripts']);
    if (!(await sqliteLoads())) throw new SetupError('sqlite3 was built but does not load in this Node.');
  }
  writeStamp('native', nativeKey());
}

async function sqliteLoads() {
  const probe =
    "const s=require('sqlite3');new s.Database(':memory:').get('select 1 as one',(e,r)=>{process.exit(e||r.one!==1?1:0)})";
  return (await run([process.execPath, '-e', probe], { cwd: repository, mayFail: true })).code === 0;
}

export function npm(args, { cwd = repository } = {}) {
  return run([...npmProgram(), ...args], { cwd, env: compilerEnvironment(npmEnvironment()) });
}

function npmProgram() {
  const fromNpm = process.env.npm_execpath;
  if (fromNpm !== undefined && fromNpm.endsWith('.js') && existsSync(fromNpm)) return [process.execPath, fromNpm];
  const beside = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
  return existsSync(beside) ? [process.execPath, beside] : ['npm'];
}

/** An npm inside an npm must not inherit what the outer one set for its own script. */
export function npmEnvironment(base = process.env) {
  const kept = Object.entries(makeEnvironment(base)).filter(
    ([name]) => !/^npm_(lifecycle|package|command|execpath|node_execpath)/i.test(name) && !isOuterDefault(name),
  );
  const environment = {
    ...Object.fromEntries(kept),
    ELECTRON_SKIP_BINARY_DOWNLOAD: '1',
    npm_config_build_from_source: 'true',
    npm_config_jobs: '2',
  };
  const prefix = dirname(dirname(process.execPath));
  if (existsSync(join(prefix, 'include/node/node.h'))) environment.npm_config_nodedir = prefix;
  environment.npm_config_update_notifier = 'false';
  return environment;
}

/** Settings a person may have made for every npm run stay; the ones the outer npm derives for itself go. */
function isOuterDefault(name) {
  return (
    /^npm_config_(local_prefix|global_prefix|prefix|noproxy|node_gyp|init_module|user_agent|npm_version|ignore_scripts|foreground_scripts|dry_run|omit|production|if_present|loglevel|argv)$/i.test(
      name,
    ) || name === 'INIT_CWD'
  );
}
