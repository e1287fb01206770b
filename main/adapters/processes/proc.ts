import { type BigIntStats, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** Readers of the real /proc. A process may end at any moment: every reader answers null or leaves it out then. */
export type ProcessState = {
  readonly pid: number;
  readonly comm: string;
  /** One letter; `Z` is dead although it has a pid. */
  readonly state: string;
  readonly parentPid: number;
  /** Ticks since the boot: with it a pid names one process for ever. */
  readonly startedTicks: string;
};

export type OpenDescriptor = {
  readonly fd: number;
  /** Kernel identity of an opened block device or regular file; null for anything else. */
  readonly dev: string | null;
  readonly socketInode: string | null;
  readonly path: string;
  readonly writable: boolean;
};

export type TcpSocket = {
  readonly localPort: number;
  readonly remotePort: number;
  readonly listening: boolean;
  readonly established: boolean;
  readonly inode: string;
};

export function gone<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return null;
    throw error;
  }
}

export function pidsNow(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function processState(pid: number): ProcessState | null {
  const text = gone(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (text === null) return null;
  // The name may hold blanks and brackets: it ends at the last bracket.
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  return {
    pid,
    comm: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '?',
    parentPid: Number(fields[1]),
    startedTicks: fields[19] ?? '',
  };
}

/** The environment a process was started with; null when it is gone or not ours to read. */
export function environmentOf(pid: number): readonly string[] | null {
  const text = gone(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
  return text === null ? null : text.split('\0');
}

export function isAlive(pid: number): boolean {
  const state = processState(pid);
  return state !== null && state.state !== 'Z' && state.state !== 'X';
}

export function commandLine(pid: number): readonly string[] {
  return (
    gone(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      ?.split('\0')
      .slice(0, -1) ?? []
  );
}

export function openDescriptors(pid: number): OpenDescriptor[] {
  const names = gone(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return names.flatMap((name): OpenDescriptor[] => {
    const path = gone(() => readlinkSync(`/proc/${pid}/fd/${name}`));
    if (path === null) return [];
    const socketInode = /^socket:\[(\d+)\]$/.exec(path)?.[1] ?? null;
    if (socketInode !== null) return [{ fd: Number(name), dev: null, socketInode, path, writable: true }];
    if (!path.startsWith('/')) return [{ fd: Number(name), dev: null, socketInode, path, writable: false }];
    // stat follows to the opened object itself, also when its name is gone or now means something else.
    const stats = gone(() => statSync(`/proc/${pid}/fd/${name}`, { bigint: true }));
    const flags = gone(() => readFileSync(`/proc/${pid}/fdinfo/${name}`, 'utf8'));
    if (stats === null || flags === null) return [];
    const accessMode = Number.parseInt(/^flags:\s*(\d+)/m.exec(flags)?.[1] ?? '0', 8) & 3;
    return [{ fd: Number(name), dev: devOf(stats), socketInode, path, writable: accessMode !== 0 }];
  });
}

/** `major:minor` of a block device, `st_dev:st_ino` of a file standing in for one; the form of `sys/block/X/dev`. */
export function devOf(stats: BigIntStats): string | null {
  if (stats.isBlockDevice()) {
    const { rdev } = stats;
    const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
    const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
    return `${major}:${minor}`;
  }
  return stats.isFile() ? `${stats.dev}:${stats.ino}` : null;
}

export function tcpSockets(): TcpSocket[] {
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(
    (path) =>
      gone(() => readFileSync(path, 'utf8'))
        ?.split('\n')
        .slice(1) ?? [],
  );
  return lines.flatMap((line) => {
    const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
    if (local === undefined || remote === undefined || inode === undefined) return [];
    return [
      {
        localPort: portOf(local),
        remotePort: portOf(remote),
        listening: state === '0A',
        established: state === '01',
        inode,
      },
    ];
  });
}

const portOf = (address: string): number => Number.parseInt(address.split(':')[1] ?? '0', 16);

/** Bytes the process handed to write calls so far. */
export function bytesWrittenBy(pid: number): number | null {
  const text = gone(() => readFileSync(`/proc/${pid}/io`, 'utf8'));
  const found = text === null ? null : /^wchar: (\d+)/m.exec(text)?.[1];
  return found === undefined || found === null ? null : Number(found);
}

/** Sends SIGKILL; a process that is gone already is what we wanted. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
