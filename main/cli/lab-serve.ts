import { AppError } from '../../shared/errors.ts';
import { startLab } from '../lab/lab.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import type { Surroundings } from './surroundings.ts';
import { untilAborted } from './until-aborted.ts';

/** `ossea lab serve`: the demo environment as a process of its own. */
export async function labServe(args: Arguments, around: Surroundings): Promise<number> {
  if (args.dir === null) throw new AppError('INVALID_REQUEST', 'ossea lab serve needs --dir DIR.');
  const lab = await startLab({
    dir: args.dir,
    port: args.port ?? 0,
    devices: args.devices,
    seed: args.seed,
    log: (level, message, fields = {}) => {
      if (level !== 'debug')
        around.err(`${JSON.stringify({ level, time: new Date().toISOString(), ...fields, msg: message })}\n`);
    },
  });
  try {
    around.out(`${JSON.stringify({ url: lab.url, pid: process.pid })}\n`);
    await untilAborted(around.signal);
    return exitCodes.done;
  } finally {
    await lab.close();
  }
}
