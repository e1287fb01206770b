import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { takeLock } from '../adapters/sqlite/lock.ts';
import { type DataDirKind, openRecords } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemIds } from '../adapters/system/ids.ts';
import { type EndpointFile, removeEndpoint, writeEndpoint } from './endpoint-file.ts';
import { freePort } from './free-port.ts';

/** What was opened, newest last; closed in reverse, also when opening fails half way. */
export type Opened = (() => Promise<void> | void)[];

/** What `open` makes, with what closes it all again. */
export async function openAll<T extends object>(
  open: (opened: Opened) => Promise<T>,
): Promise<T & { close(): Promise<void> }> {
  const opened: Opened = [];
  const close = async (): Promise<void> => {
    for (let next = opened.pop(); next !== undefined; next = opened.pop()) await next();
  };
  try {
    return { ...(await open(opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Wanted = {
  readonly dataDir: string;
  readonly kind: DataDirKind;
  readonly hostId: string;
  /** Of a real site; everybody else takes one that is free. */
  readonly usualNbdPort: number;
  readonly publish: Parameters<typeof openRecords>[0]['publish'];
};

/** One data directory, one process, one use for life. */
export async function openDataDir(
  { dataDir, kind, hostId, usualNbdPort, publish }: Wanted,
  opened: Opened,
): ReturnType<typeof openRecords> {
  mkdirSync(join(dataDir, 'vms'), { recursive: true, mode: 0o700 });
  const lock = await takeLock(join(dataDir, 'daemon.lock'));
  opened.push(() => lock.release());
  const firstNbdPort = kind === 'real' ? usualNbdPort : await freePort();
  const newId = systemIds.next();
  const records = await openRecords({ dir: dataDir, hostId, newId, kind, firstNbdPort, clock: systemClock, publish });
  opened.push(() => records.close());
  if (records.bornAs === kind) return records;
  throw new AppError('DATA_DIR_KIND', `${dataDir} was made for ${records.bornAs} use.`);
}

export function publishEndpoint(dataDir: string, opened: Opened, endpoint: EndpointFile): void {
  writeEndpoint(dataDir, endpoint);
  opened.push(() => {
    removeEndpoint(dataDir);
  });
}
