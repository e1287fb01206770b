import { join } from 'node:path';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { type EndpointFile, readEndpoint } from './endpoint-file.ts';
import type { Programs } from './programs.ts';
import { type Supervised, superviseProcess } from './supervised-process.ts';

type Options = {
  readonly dir: string;
  readonly programs: Programs;
  readonly clock: Clock;
  readonly log: Log;
  readonly onStarted: (vma: EndpointFile) => Promise<void>;
};

/** The VMA of the demo environment: a process with its own data directory, token and vault, as at a customer's site. */
export const superviseVma = ({ dir, ...options }: Options): Promise<Supervised<EndpointFile>> =>
  superviseProcess({
    ...options,
    name: 'The VMA of the demo environment',
    words: ['serve', '--role', 'vma', '--port', '0', '--data-dir', dir],
    logPath: join(dir, 'vma.log'),
    read: () => readEndpoint(dir),
    ask: ({ url, token }) => ({ url: new URL('/api/v1/health', url), token }),
  });
