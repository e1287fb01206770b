import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, asAppError } from '../../../shared/errors.ts';
import type { MoverPresence } from '../../domain/choose-copy-method.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { type ProgramOutput, runProgram } from '../processes/run-program.ts';

export type PresentMovers = {
  readonly movers: readonly MoverPresence[];
  /** Where VMware's disk library lies; null where it cannot be used. */
  readonly libdir: string | null;
};

/** Where VMware's archive and other people's packages put the library. */
const usualFolders = [
  '/opt/vmware-vix-disklib-distrib',
  '/usr/lib/vmware-vix-disklib',
  '/usr/lib64/vmware-vix-disklib',
];
const limitSeconds = 20;

/** Looks at what this machine can read disks of a vCenter with. `libdir`: where somebody said that VMware's library is. */
export async function presentMovers(
  { libdir }: { readonly libdir: string | null },
  options: Signalled,
): Promise<PresentMovers> {
  const [curl, vddk, migratekit] = await Promise.all([
    curlPlugin(options),
    vddkPlugin(libdir, options),
    migratekitBuild(options),
  ]);
  return {
    libdir: vddk.libdir,
    movers: [
      { name: 'vddk', ...vddk.found },
      { name: 'lab', ...curl },
      { name: 'folder', ...curl },
      { name: 'migratekit', ...migratekit },
    ],
  };
}

type Found = Omit<MoverPresence, 'name'>;

const ask = (program: string, args: readonly string[], options: Signalled): Promise<ProgramOutput> =>
  runProgram({ path: findProgram('timeout'), args: [String(limitSeconds), findProgram(program), ...args] }, options);

/** A program that is not here is an answer, too. */
async function orMissing(look: () => Promise<Found>): Promise<Found> {
  try {
    return await look();
  } catch (error) {
    const { code, reason, message } = asAppError(error);
    if (code === 'PROGRAM_MISSING') return { available: false, because: reason ?? message };
    if (code === 'MOVER_UNSAFE') return { available: false, because: `${code}: ${reason ?? message}` };
    throw error;
  }
}

const curlPlugin = (options: Signalled): Promise<Found> =>
  orMissing(async () => {
    findProgram('nbdcopy');
    const { code, stderr } = await ask('nbdkit', ['curl', '--dump-plugin'], options);
    return code === 0
      ? { available: true, because: 'nbdkit can read over HTTPS.' }
      : { available: false, because: `nbdkit lacks its curl plugin: ${firstLine(stderr)}` };
  });

async function vddkPlugin(
  said: string | null,
  options: Signalled,
): Promise<{ readonly libdir: string | null; readonly found: Found }> {
  const libdir = said ?? usualFolders.find((folder) => existsSync(join(folder, 'lib64'))) ?? null;
  const found = await orMissing(async () => {
    findProgram('nbdcopy');
    const plugin = await ask('nbdkit', ['vddk', '--dump-plugin'], options);
    if (plugin.code !== 0)
      return { available: false, because: `nbdkit lacks its vddk plugin: ${firstLine(plugin.stderr)}` };
    if (libdir === null)
      return {
        available: false,
        because: `VMware’s disk library is not on this machine; looked for in ${usualFolders.join(', ')}. The setting vddk_libdir says where it is.`,
      };
    const { stdout, stderr } = await ask('nbdkit', ['vddk', `libdir=${libdir}`, '--dump-plugin'], options);
    const version = /^vddk_library_version=(\S+)$/m.exec(stdout)?.[1];
    return version === undefined
      ? {
          available: false,
          because: `VMware’s disk library in ${libdir} cannot be loaded. ${firstLine(stderr)}`.trim(),
        }
      : {
          available: true,
          because: `nbdkit has its vddk plugin, and VMware’s disk library ${version} is in ${libdir}.`,
        };
  });
  return { libdir: found.available ? libdir : null, found };
}

const migratekitBuild = (options: Signalled): Promise<Found> =>
  orMissing(async () => {
    const top = await ask('migratekit', ['--help'], options);
    const migrate = await ask('migratekit', ['migrate', '--help'], options);
    requireSafe([top.stdout, top.stderr, migrate.stdout, migrate.stderr].join('\n'));
    return { available: true, because: 'migratekit is on this machine.' };
  });

/** Flags that carry the password itself are refused, whatever else the build can do: a secret in argv is everybody's. */
function requireSafe(help: string): void {
  if (/--vmware-password-(file|fd)\b/.test(help)) return;
  throw new AppError(
    'MOVER_UNSAFE',
    'This build of migratekit takes the password of vCenter only as an argument, which every user of the machine can read.',
    { program: 'migratekit' },
  );
}

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';
