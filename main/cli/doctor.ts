import { accessSync, constants } from 'node:fs';
import { asAppError } from '../../shared/errors.ts';
import { findProgram, openVault } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { defaultDataDir, type Surroundings } from './surroundings.ts';

type Finding = { readonly check: string; readonly ok: boolean; readonly found: string; readonly needed: boolean };

const programs = [
  'nbd-server',
  'nbdkit',
  'nbdcopy',
  'qemu-img',
  'qemu-nbd',
  'flock',
  'setpriv',
  'blockdev',
  'dd',
  'timeout',
] as const;

/** `ossea doctor`: what this machine has of what the daemon needs, and what opens the vault of the data directory. */
export async function doctor(args: Arguments, around: Surroundings): Promise<number> {
  const findings: Finding[] = [
    ...programs.map(lookFor),
    loopDevices(),
    await vault(args, around),
    { check: 'runtime', ok: true, found: `Node ${process.versions.node}`, needed: true },
  ];
  const fine = findings.every((finding) => finding.ok || !finding.needed);
  around.out(
    args.json
      ? `${JSON.stringify({ ok: fine, findings })}\n`
      : `${findings.map((finding) => `${finding.ok ? 'ok      ' : finding.needed ? 'MISSING ' : 'absent  '} ${finding.check.padEnd(14)} ${finding.found}`).join('\n')}\n`,
  );
  return fine ? exitCodes.done : exitCodes.unavailable;
}

function lookFor(program: string): Finding {
  try {
    return { check: program, ok: true, found: findProgram(program), needed: true };
  } catch (thrown) {
    const error = asAppError(thrown);
    return { check: program, ok: false, found: error.reason ?? error.message, needed: true };
  }
}

function loopDevices(): Finding {
  try {
    accessSync('/dev/loop-control', constants.R_OK | constants.W_OK);
    return { check: 'loop devices', ok: true, found: '/dev/loop-control', needed: false };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      check: 'loop devices',
      ok: false,
      found: `the demo environment uses files instead (${why})`,
      needed: false,
    };
  }
}

async function vault(args: Arguments, { env, signal }: Surroundings): Promise<Finding> {
  const check = 'vault';
  const dataDir = args.dataDir ?? defaultDataDir(env, args.lab ? 'lab' : 'main');
  if (dataDir === null) return { check, ok: true, found: 'no data directory: HOME is empty', needed: false };
  try {
    const { exists, slots, openedBy } = await openVault({ dataDir, env }).state({ signal });
    const found = exists
      ? `opened by ${openedBy}; slots: ${slots.join(', ')}`
      : `none yet; the first secret makes it, opened by ${openedBy}`;
    return { check, ok: true, found, needed: true };
  } catch (thrown) {
    const error = asAppError(thrown);
    return { check, ok: false, found: `${error.code}: ${error.message}`, needed: true };
  }
}
