import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { createLog, startDaemon, startVma } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { defaultDataDir, type Surroundings } from './surroundings.ts';
import { untilAborted } from './until-aborted.ts';

const defaultPorts = { oma: 8090, vma: 8081 } as const;

export function requireDataDir(args: Arguments, env: NodeJS.ProcessEnv): string {
  const use = args.role === 'vma' ? 'vma' : args.lab ? 'lab' : 'main';
  const dir = args.dataDir ?? defaultDataDir(env, use);
  if (dir === null) throw new AppError('INVALID_REQUEST', 'HOME is empty: name a folder with --data-dir.');
  return dir;
}

/** `ossea serve`: the daemon without a window, until SIGINT or SIGTERM. */
export async function serve(args: Arguments, around: Surroundings): Promise<number> {
  if (args.role === 'vma') return await serveVma(args, around);
  const dataDir = requireDataDir(args, around.env);
  const log = createLog({ file: join(dataDir, 'daemon.log') });
  const daemon = await startDaemon({
    dataDir,
    lab: args.lab,
    version: around.version,
    programs: around.programs,
    port: args.port ?? defaultPorts.oma,
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

/** `ossea serve --role vma`: the agent at VMware's side. */
async function serveVma(args: Arguments, around: Surroundings): Promise<number> {
  if (args.lab) throw new AppError('INVALID_REQUEST', '--lab is of an OMA: the demo environment starts its own VMA.');
  const dataDir = requireDataDir(args, around.env);
  const { version, programs } = around;
  const log = createLog({ file: join(dataDir, 'daemon.log') });
  const vma = await startVma({ dataDir, version, programs, port: args.port ?? defaultPorts.vma, log });
  try {
    const { url, tokenPath } = vma;
    around.out(
      args.json
        ? `${JSON.stringify({ url, token_file: tokenPath, pid: process.pid, data_dir: dataDir })}\n`
        : `VMA:   ${url}\nAPI:   ${url}/api/v1/openapi.json\nToken: ${tokenPath}\nData:  ${dataDir}\n`,
    );
    await untilAborted(around.signal);
    return exitCodes.done;
  } finally {
    await vma.close();
  }
}
