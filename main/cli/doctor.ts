import { accessSync, constants } from 'node:fs';
import { asAppError } from '../../shared/errors.ts';
import { findProgram } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import type { Surroundings } from './surroundings.ts';

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

/** `ossea doctor`: what this machine has of what the daemon needs. */
export function doctor(args: Arguments, around: Surroundings): number {
  const findings: Finding[] = [
    ...programs.map(lookFor),
    loopDevices(),
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
