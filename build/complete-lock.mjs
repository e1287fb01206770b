import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './setup/paths.mjs';

/**
 * `npm ci` wants an entry for every optional package of every platform, also for those this machine never installs. npm leaves
 * them out of the lockfile where the registry in use does not carry them. This writes the missing entries from what the parent
 * package says; they name a platform other than the one at hand and are skipped by every installation here. Run after `npm install`.
 */
const systems = ['android', 'darwin', 'freebsd', 'netbsd', 'openbsd', 'openharmony', 'win32', 'linux'];
const processors = ['arm64', 'x64', 'ppc64', 'riscv64', 's390x', 'ia32', 'loong64', 'mips64el', 'arm'];

export function missingPlatformEntries(packages) {
  const added = {};
  for (const [parent, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isListed(packages, parent, name)) continue;
      const words = name.split(/[-/]/);
      const os = systems.find((word) => words.includes(word));
      const cpu = processors.find((word) => words.includes(word));
      if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+/.test(version)) continue;
      added[`node_modules/${name}`] = {
        version,
        cpu: [cpu],
        ...(entry.dev === true ? { dev: true } : {}),
        ...(os === 'linux' && words.some((word) => word.startsWith('musl')) ? { libc: ['musl'] } : {}),
        optional: true,
        os: [os],
      };
    }
  }
  return added;
}

function isListed(packages, parent, name) {
  const nested = `${parent === '' ? '' : `${parent}/`}node_modules/${name}`;
  return packages[nested] !== undefined || packages[`node_modules/${name}`] !== undefined;
}

const file = join(repository, 'package-lock.json');
if (process.argv[1]?.endsWith('complete-lock.mjs')) {
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const added = missingPlatformEntries(lock.packages);
  const all = Object.entries({ ...lock.packages, ...added });
  const [root, ...rest] = all;
  lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => (a < b ? -1 : 1))]);
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${Object.keys(added).length} entries of other platforms added to package-lock.json`);
}
