import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { electronDir, repository, setupDir, toolsDir, vcsimProgram } from './setup/paths.mjs';

export const multiarch = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch] ?? '';

export const privateLibraryDirs = [
  `usr/lib/${multiarch}`,
  `lib/${multiarch}`,
  `usr/lib/${multiarch}/nss`,
  `usr/lib/${multiarch}/pulseaudio`,
].map((dir) => join(toolsDir, dir));

/** The environment in which the daemon, the console, the tests and the measurements run: one place, so that they agree. */
export function makeEnvironment(base = process.env) {
  const wrappers = join(toolsDir, 'wrappers');
  const ours = [wrappers, ...['bin', 'sbin', 'usr/bin', 'usr/sbin'].map((dir) => join(toolsDir, dir))].filter(
    existsSync,
  );
  const system = (base.PATH ?? '').split(delimiter).filter((dir) => dir !== '' && !ours.includes(dir));
  const sbin = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].filter((dir) => !system.includes(dir));
  const environment = { ...base, PATH: [...ours, ...system, ...sbin].join(delimiter) };
  delete environment.NODE_OPTIONS;
  const libraries = privateLibraryDirs.filter(existsSync);
  if (libraries.length > 0) {
    const inherited = (base.LD_LIBRARY_PATH ?? '')
      .split(delimiter)
      .filter((dir) => dir !== '' && !libraries.includes(dir));
    environment.LD_LIBRARY_PATH = [...libraries, ...inherited].join(delimiter);
  }
  const share = join(toolsDir, 'usr/share');
  if (existsSync(join(share, 'glib-2.0/schemas'))) {
    // GTK aborts the whole program when a file dialog finds no compiled schemas.
    const dirs = base.XDG_DATA_DIRS ?? '/usr/local/share:/usr/share';
    environment.XDG_DATA_DIRS = dirs.split(delimiter).includes(share) ? dirs : [share, dirs].join(delimiter);
  }
  const python = join(toolsDir, 'usr/lib/python3/dist-packages');
  if (existsSync(python))
    environment.PYTHONPATH = [python, ...(base.PYTHONPATH ? [base.PYTHONPATH] : [])].join(delimiter);
  const fonts = join(setupDir, 'fonts.conf');
  if (existsSync(fonts)) environment.FONTCONFIG_FILE = fonts;
  const electron = electronExecutable();
  if (electron !== null) environment.OSSEA_ELECTRON = electron;
  const chromium = findProgram('chromium', environment) ?? null;
  const privateChromium = join(toolsDir, 'usr/lib/chromium/chromium');
  if (existsSync(privateChromium)) environment.OSSEA_CHROMIUM = privateChromium;
  else if (chromium !== null) environment.OSSEA_CHROMIUM = chromium;
  if (existsSync(vcsimProgram)) environment.OSSEA_VCSIM = vcsimProgram;
  return environment;
}

/** The Electron that set-up chose: the declared package's own binary, or the fallback below .setup/electron. */
export function electronExecutable() {
  const declared = join(repository, 'node_modules/electron/dist/electron');
  if (existsSync(declared) && existsSync(join(repository, 'node_modules/electron/path.txt'))) return declared;
  const fallback = join(electronDir, 'electron');
  return existsSync(fallback) && existsSync(join(electronDir, 'version')) ? fallback : null;
}

export function electronVersion() {
  const executable = electronExecutable();
  return executable === null ? null : readFileSync(join(executable, '../version'), 'utf8').trim().replace(/^v/, '');
}

export function findProgram(name, environment) {
  for (const dir of (environment.PATH ?? '').split(delimiter)) {
    if (dir === '') continue;
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'EACCES' && error.code !== 'ENOTDIR') throw error;
    }
  }
  return null;
}

export function hasDisplay(environment = process.env) {
  return Boolean(environment.DISPLAY || environment.WAYLAND_DISPLAY);
}
