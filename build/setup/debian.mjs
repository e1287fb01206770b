import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, hasDisplay, makeEnvironment, privateLibraryDirs } from '../environment.mjs';
import { debianGroups } from './debian-packages.mjs';
import { debsDir, setupDir, sysrootDir, toolsDir } from './paths.mjs';
import { compiledPrivately, finishPrivateTools, unpackCompilers } from './private-tools.mjs';
import { lastLines, run, SetupError } from './run.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

/** Packages whose install script calls the init system although nothing of theirs keeps running. */
const harmless = new Set(['x11-common']);

export async function missingDebianGroups({ purpose, mustBuild }) {
  const loaded = await loaderLibraries();
  const environment = makeEnvironment();
  const unpacked = readStamp().privatePackages ?? {};
  return debianGroups.filter((group) => {
    if (!group.for.includes(purpose)) return false;
    if (group.onlyToBuild && (!mustBuild || existsSync(compiledPrivately))) return false;
    if (group.onlyWithoutDisplay && hasDisplay() && purpose === 'start') return false;
    if (isPresent(group, { PATH: systemPath() }, loaded, ['/'])) return false;
    return !(unpacked[group.id] && isPresent(group, environment, loaded, ['/', toolsDir]));
  });
}

function isPresent(group, environment, loaded, roots) {
  const libraryDirs = roots.includes(toolsDir) ? privateLibraryDirs : [];
  const hasFile = (file) => roots.some((root) => existsSync(join(root, file)));
  const hasLibrary = (name) => loaded.has(name) || libraryDirs.some((dir) => existsSync(join(dir, name)));
  return (
    (group.programs ?? []).every((name) => findProgram(name, environment) !== null) &&
    (group.libraries ?? []).every(hasLibrary) &&
    (group.files ?? []).every(hasFile)
  );
}

/** The PATH without our own tools. */
function systemPath() {
  return makeEnvironment({ PATH: process.env.PATH ?? '' })
    .PATH.split(':')
    .filter((dir) => !dir.startsWith(setupDir))
    .join(':');
}

async function loaderLibraries() {
  const { stdout } = await run([findProgram('ldconfig', { PATH: '/usr/sbin:/sbin:/usr/bin' }) ?? 'ldconfig', '-p'], {
    mayFail: true,
  });
  return new Set(stdout.split('\n').map((line) => line.trim().split(' ')[0]));
}

export async function installDebianGroups(groups, log) {
  if (findProgram('apt-get', { PATH: systemPath() }) === null) {
    const names = groups.flatMap((group) => group.packages).join(' ');
    throw new SetupError(
      `This is no Debian system. Install what these Debian packages contain, then start again:\n  ${names}`,
    );
  }
  mkdirSync(join(debsDir, 'partial'), { recursive: true });
  const apt = await makeApt();
  await refreshLists(apt, log);
  const open = groups.filter((group) => !group.alwaysPrivate);
  const hidden = groups.filter((group) => group.alwaysPrivate);
  if (open.length > 0 && apt.elevate !== null) {
    const clean = await withoutServices(apt, open, log);
    if (clean.length > 0) {
      const packages = clean.flatMap((group) => group.packages);
      log(`  installing with apt-get: ${packages.join(' ')}`);
      await installOpenly(apt, packages);
    }
    hidden.push(...open.filter((group) => !clean.includes(group)));
  } else hidden.push(...open);
  for (const group of hidden) await unpackPrivately(apt, group, log);
  await finishPrivateTools();
  rmSync(debsDir, { recursive: true, force: true });
}

async function installOpenly(apt, packages) {
  const args = ['install', '-y', '--no-install-recommends', ...packages];
  const first = await apt.elevated(args, { mayFail: true });
  if (first.code === 0) return;
  // A set-up that was killed while packages were being configured leaves dpkg in need of this.
  if (!`${first.stdout}${first.stderr}`.includes('dpkg --configure -a'))
    throw new SetupError(lastLines(first.stderr, 15));
  await run([...apt.elevate, 'dpkg', '--configure', '-a'], { env: apt.env });
  await apt.elevated(args);
}

async function makeApt() {
  const isRoot = process.getuid() === 0;
  const elevate = isRoot ? [] : (await canSudo()) ? ['sudo', '-n'] : null;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8', PATH: systemPath() };
  const shared = [
    '-o',
    'DPkg::Lock::Timeout=300',
    '-o',
    'Acquire::Retries=3',
    '-o',
    `Dir::Cache::archives=${debsDir}`,
    '-o',
    'APT::Sandbox::User=root',
  ];
  const apt = { elevate, env, lists: [] };
  // As an ordinary user nothing outside .setup is written, so the locks of the system need not be taken.
  const options = () => [...shared, ...(isRoot ? [] : ['-o', 'Debug::NoLocking=1']), ...apt.lists];
  apt.plain = (args, more = {}) => run(['apt-get', ...options(), ...args], { env, ...more });
  apt.elevated = (args, more = {}) =>
    run([...elevate, ...(isRoot ? [] : ['env', 'DEBIAN_FRONTEND=noninteractive']), 'apt-get', ...shared, ...args], {
      env,
      ...more,
    });
  return apt;
}

async function canSudo() {
  if (findProgram('sudo', { PATH: systemPath() }) === null) return false;
  return (await run(['sudo', '-n', 'true'], { mayFail: true })).code === 0;
}

async function refreshLists(apt, log, { always = false } = {}) {
  const privateLists = join(setupDir, 'apt-lists');
  const known = (dir) => existsSync(dir) && readdirSync(dir).some((name) => name.includes('_Packages'));
  if (!always && known('/var/lib/apt/lists')) return;
  log('  fetching the package lists (about 16 MB)');
  if (apt.elevate !== null) {
    await apt.elevated(['update']);
    return;
  }
  mkdirSync(join(privateLists, 'partial'), { recursive: true });
  apt.lists = [
    '-o',
    `Dir::State::lists=${privateLists}`,
    '-o',
    'Dir::Cache::pkgcache=',
    '-o',
    'Dir::Cache::srcpkgcache=',
  ];
  await apt.plain(['update']);
}

/** Which groups can be installed without a service being started: the packages are downloaded and their install scripts read. */
async function withoutServices(apt, groups, log) {
  const all = groups.flatMap((group) => group.packages);
  log(`  downloading: ${all.join(' ')}`);
  await download(apt, all, log);
  const flagged = new Set();
  for (const file of readdirSync(debsDir).filter((name) => name.endsWith('.deb'))) {
    const name = file.split('_')[0];
    if (!harmless.has(name) && (await startsService(join(debsDir, file)))) flagged.add(name);
  }
  const clean = [];
  for (const group of groups) {
    const brings =
      flagged.size === 0 ? [] : (await wouldInstall(apt, group.packages)).filter((name) => flagged.has(name));
    if (brings.length === 0) clean.push(group);
    else log(`  ${group.id}: installing it would start ${brings.join(', ')}; unpacked into .setup/tools instead`);
  }
  return clean;
}

async function download(apt, packages, log) {
  const args = ['install', '-y', '--download-only', '--no-install-recommends', ...packages];
  const first = await apt.plain(args, { mayFail: true });
  if (first.code === 0) return;
  // Lists older than the mirror name files that are gone.
  await refreshLists(apt, log, { always: true });
  await apt.plain(args);
}

async function wouldInstall(apt, packages) {
  const { stdout } = await apt.plain(['install', '--simulate', '--no-install-recommends', ...packages]);
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1]);
}

async function startsService(deb) {
  const { stdout, code } = await run(['dpkg-deb', '--info', deb, 'postinst'], { mayFail: true });
  return code === 0 && /invoke-rc\.d|deb-systemd-invoke|systemctl/.test(stdout);
}

async function unpackPrivately(apt, group, log) {
  const before = new Set(await wouldInstall(apt, group.packages));
  log(`  ${group.id}: ${before.size} packages into .setup`);
  await download(apt, group.packages, log);
  const debs = readdirSync(debsDir).filter((file) => file.endsWith('.deb') && before.has(file.split('_')[0]));
  if (group.onlyToBuild) {
    await unpackCompilers({ apt, debs, target: sysrootDir });
  } else {
    for (const file of debs) {
      const deb = join(debsDir, file);
      if (group.alwaysPrivate || harmless.has(file.split('_')[0]) || !(await startsService(deb)))
        await run(['dpkg-deb', '-x', deb, toolsDir]);
    }
  }
  writeStamp('privatePackages', { ...readStamp().privatePackages, [group.id]: debs });
}

/** One line per package for the announcement. */
export function debianCost(groups) {
  return groups.map((group) => ({
    what: `Debian: ${group.packages.join(' ')}`,
    why: group.why,
    megabytes: group.megabytes,
    diskMegabytes: group.diskMegabytes ?? Math.ceil(group.megabytes * 3.5),
  }));
}
