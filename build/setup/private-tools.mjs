import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeEnvironment, multiarch, privateLibraryDirs } from '../environment.mjs';
import { debsDir, setupDir, sysrootDir, toolsDir } from './paths.mjs';
import { run } from './run.mjs';

export const compiledPrivately = join(sysrootDir, 'complete');
const compilerLibraries = join(setupDir, 'compiler-libraries');

/** What an install script of Debian would have done for a package that we only unpack. */
export async function finishPrivateTools() {
  const [libraries] = privateLibraryDirs;
  if (existsSync(join(libraries, 'nbdkit/plugins'))) writeNbdkitWrapper(join(libraries, 'nbdkit'));
  if (existsSync(join(toolsDir, 'usr/bin/Xvfb'))) writeXvfbWrapper();
  if (existsSync(join(toolsDir, 'usr/bin/openssl'))) writeOpensslWrapper();
  const schemas = join(toolsDir, 'usr/share/glib-2.0/schemas');
  const compile = ['/', toolsDir]
    .map((root) => join(root, libraries.slice(toolsDir.length + 1), 'glib-2.0/glib-compile-schemas'))
    .find(existsSync);
  if (existsSync(schemas) && compile !== undefined) await run([compile, schemas], { env: makeEnvironment() });
  if (existsSync(join(toolsDir, 'usr/share/fonts')) && !existsSync('/etc/fonts/fonts.conf')) writeFonts();
}

/** nbdkit finds plugins and filters only below /usr; an absolute path is accepted, so short names are written out. */
function writeNbdkitWrapper(dir) {
  const real = ['usr/sbin/nbdkit', 'usr/bin/nbdkit'].map((path) => join(toolsDir, path)).find(existsSync);
  writeWrapper(
    'nbdkit',
    `here=${quote(dir)}
plugin=
first=1
for word in "$@"; do
  if [ -n "$first" ]; then set --; first=; fi
  case $word in
    --filter=*/*) ;;
    --filter=*) word="--filter=$here/filters/nbdkit-\${word#--filter=}-filter.so" ;;
    *[!a-z0-9]*) ;;
    *)
      if [ -z "$plugin" ] && [ -e "$here/plugins/nbdkit-$word-plugin.so" ]; then
        plugin=$word
        word="$here/plugins/nbdkit-$word-plugin.so"
      fi ;;
  esac
  set -- "$@" "$word"
done
exec ${quote(real)} "$@"`,
  );
}

/** Xvfb starts /usr/bin/xkbcomp by that very path, so it runs where our folder lies over /usr: in a mount namespace of its own. */
function writeXvfbWrapper() {
  const usr = join(toolsDir, 'usr');
  const mount = `mount -t overlay overlay -o "lowerdir=$0:/usr" /usr && exec /usr/bin/Xvfb "$@"`;
  writeWrapper('Xvfb', `exec unshare --user --map-root-user --mount sh -c ${quote(mount)} ${quote(usr)} "$@"`);
}

/** openssl looks for its settings below /usr. */
function writeOpensslWrapper() {
  const settings = join(toolsDir, 'etc/ssl/openssl.cnf');
  const real = join(toolsDir, 'usr/bin/openssl');
  writeWrapper('openssl', `OPENSSL_CONF=\${OPENSSL_CONF-${quote(settings)}} exec ${quote(real)} "$@"`);
}

function writeWrapper(name, body) {
  const wrappers = join(toolsDir, 'wrappers');
  mkdirSync(wrappers, { recursive: true });
  writeFileSync(join(wrappers, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(wrappers, name), 0o755);
}

function quote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function writeFonts() {
  const cache = join(setupDir, 'font-cache');
  writeFileSync(
    join(setupDir, 'fonts.conf'),
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>${join(toolsDir, 'usr/share/fonts')}</dir><dir>/usr/share/fonts</dir><cachedir>${cache}</cachedir></fontconfig>
`,
  );
}

/**
 * A compiler that was only unpacked looks for headers and linker scripts below its own root, which therefore must hold the C
 * library too. It is apart from .setup/tools: a second libc on the library path would reach every program we start.
 */
export async function unpackCompilers({ apt, debs, target }) {
  for (const file of debs) await run(['dpkg-deb', '-x', join(debsDir, file), target]);
  linkLibraries(target);
  await run(['apt-get', ...apt.lists, 'download', 'libc6', 'libgcc-s1', 'libstdc++6'], { cwd: debsDir, env: apt.env });
  const runtime = readdirSync(debsDir).filter((file) => /^(libc6|libgcc-s1|libstdc\+\+6)_/.test(file));
  for (const file of runtime) await run(['dpkg-deb', '-x', join(debsDir, file), target]);
  writeFileSync(compiledPrivately, '');
}

/** What the compiler itself loads, without the C library: a loader of one version with a libc of another ends every program. */
function linkLibraries(target) {
  mkdirSync(compilerLibraries, { recursive: true });
  for (const dir of ['usr/lib', 'lib'].map((part) => join(target, part, multiarch))) {
    if (!existsSync(dir)) continue;
    for (const name of readdirSync(dir).filter((file) =>
      /[.]so[.]\d|-[\d.]+(-system)?[.]so$|[.]\d+[.]so$/.test(file),
    )) {
      const link = join(compilerLibraries, name);
      rmSync(link, { force: true });
      symlinkSync(join(dir, name), link);
    }
  }
}

/** Variables under which node-gyp uses the unpacked compiler, or none when the system has its own. */
export function compilerEnvironment(base) {
  if (!existsSync(compiledPrivately)) return base;
  const bin = join(sysrootDir, 'usr/bin');
  return {
    ...base,
    PATH: [bin, base.PATH].join(':'),
    LD_LIBRARY_PATH: [compilerLibraries, base.LD_LIBRARY_PATH ?? ''].filter((dir) => dir !== '').join(':'),
    CC: `${join(bin, 'gcc')} --sysroot=${sysrootDir}`,
    CXX: `${join(bin, 'g++')} --sysroot=${sysrootDir}`,
  };
}
