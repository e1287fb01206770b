import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { createLog, startDaemon } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { defaultDataDir, type Surroundings } from './surroundings.ts';
import { untilAborted } from './until-aborted.ts';

const defaultPort = 8090;

export function requireDataDir(args: Arguments, env: NodeJS.ProcessEnv): string {
  const dir = args.dataDir ?? defaultDataDir(env, args.lab);
  if (dir === null) throw new AppError('INVALID_REQUEST', 'HOME is empty: name a folder with --data-dir.');
  return dir;
}

/** `ossea serve`: the daemon without a window, until SIGINT or SIGTERM. */
export async function serve(args: Arguments, around: Surroundings): Promise<number> {
  const dataDir = requireDataDir(args, around.env);
  const log = createLog({ file: join(dataDir, 'daemon.log') });
  const daemon = await startDaemon({
    dataDir,
    lab: args.lab,
    version: around.version,
    programs: around.programs,
    port: args.port ?? defaultPort,
    log,
    takeOver: args.takeOver,
    ...(args.labSource === null ? {} : { labSource: args.labSource }),
  });
  try {
    const address = daemon.signInUrl();
    if (args.json)
      around.out(
        `${JSON.stringify({ url: daemon.url, sign_in_url: address, nbd_port: daemon.nbdPort, pid: process.pid, data_dir: dataDir })}\n`,
      );
    else
      around.out(
        `Console: ${address}\nAPI:     ${daemon.url}/api/v1/openapi.json\nNBD:     127.0.0.1:${String(daemon.nbdPort)}\nData:    ${dataDir}\n`,
      );
    await untilAborted(around.signal);
    return exitCodes.done;
  } finally {
    await daemon.close();
  }
}
