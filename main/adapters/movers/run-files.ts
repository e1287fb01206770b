import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Unix socket's path is cut off at 107 bytes; the longest name below the folder is short. */
const longestFolder = 90;

export type RunFiles = {
  readonly lockPath: string;
  readonly extentListPath: string;
  /** How much may be sent, in bits per second; read again and again. */
  readonly ratePath: string;
  /** Sockets and pid files of this run only; removed at its end. */
  readonly socketFolder: string;
  readonly log: (program: string) => string;
  readonly remove: () => void;
};

/** Where one attempt keeps its files: output below the state folder for good, sockets only while it runs. */
export function prepareRunFiles(stateDir: string, volumeId: string, attempt: number): RunFiles {
  const folder = join(stateDir, 'runs', volumeId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const near = join(stateDir, 's');
  const fits = Buffer.byteLength(near) <= longestFolder - 8;
  if (fits) mkdirSync(near, { recursive: true, mode: 0o700 });
  const socketFolder = mkdtempSync(fits ? join(near, 'x') : join(tmpdir(), 'ossea-'));
  return {
    lockPath: join(stateDir, `${volumeId}.lock`),
    extentListPath: join(socketFolder, 'extents'),
    ratePath: join(socketFolder, 'rate'),
    socketFolder,
    log: (program) => join(folder, `${attempt}.${program}.log`),
    remove: () => {
      rmSync(socketFolder, { recursive: true, force: true });
    },
  };
}

/** Sockets that a killed daemon left: whatever is older than this process, which is the only one on its state folder. */
export function removeLeftovers(stateDir: string): void {
  const folder = join(stateDir, 's');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).mtimeMs < performance.timeOrigin) rmSync(path, { recursive: true, force: true });
  }
}
