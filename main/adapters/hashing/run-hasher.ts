import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { HasherJob, HasherLine } from '../../hasher/protocol.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { exitOf } from '../processes/run-program.ts';
import { spawnSealed } from '../processes/sealed-spawn.ts';

export type HasherRun = {
  readonly code: number | null;
  readonly result: HasherLine | null;
  readonly trouble: string;
};

type Feeder = { readonly path: string; readonly args: readonly string[] };

/** Runs the hashing program to its end; `feeder` is a program whose output it reads. Both are gone when this settles. */
export async function runHasher(
  { hasherPath, execPath }: { readonly hasherPath: string; readonly execPath: string },
  job: HasherJob,
  options: Signalled & { readonly onProgress?: (bytes: number) => void; readonly feeder?: Feeder },
): Promise<HasherRun> {
  const { signal, onProgress, feeder } = options;
  signal.throwIfAborted();
  const feed = feeder === undefined ? null : startFeeder(feeder);
  // stdin straight from the feeder's pipe: the bytes never pass through this process. Both are started and our end is
  // let go within one turn of the event loop, or the first bytes would be read here and be lost to the program.
  const child = spawnSealed(
    findProgram('setpriv'),
    ['--pdeathsig', 'KILL', execPath, hasherPath, JSON.stringify(job)],
    {
      stdio: [feed === null ? 'ignore' : feed.output, 'pipe', 'pipe'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    },
  );
  const kill = () => {
    child.kill('SIGKILL');
    feed?.child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  try {
    const exited = exitOf(child);
    feed?.output.destroy();
    const [exit, lines, errors, feedTrouble] = await Promise.all([
      exited,
      readLines(child.stdout, onProgress),
      readText(child.stderr),
      feed === null ? '' : feed.trouble,
    ]);
    signal.throwIfAborted();
    const text = [lines.trouble, feedTrouble, errors].filter((part) => part !== '').join('; ');
    const trouble = text === '' ? `it ended with ${exit.code ?? exit.killedBy}` : text;
    return { code: exit.code, result: lines.result, trouble };
  } finally {
    kill();
    signal.removeEventListener('abort', kill);
  }
}

function startFeeder(feeder: Feeder): {
  readonly child: ChildProcess;
  readonly output: Readable;
  readonly trouble: Promise<string>;
} {
  const child = spawnSealed(findProgram('setpriv'), ['--pdeathsig', 'KILL', feeder.path, ...feeder.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const trouble = Promise.all([exitOf(child), readText(child.stderr)]).then(([exit, text]) =>
    exit.code === 0 ? '' : text.trim(),
  );
  return { child, output: child.stdout, trouble };
}

async function readLines(
  stream: Readable,
  onProgress: ((bytes: number) => void) | undefined,
): Promise<{ readonly result: HasherLine | null; readonly trouble: string }> {
  let result: HasherLine | null = null;
  let trouble = '';
  for await (const text of createInterface({ input: stream })) {
    const line = JSON.parse(text) as HasherLine;
    if (line.kind === 'progress') onProgress?.(line.bytes);
    else if (line.kind === 'trouble') trouble = line.text;
    else result = line;
  }
  return { result, trouble };
}

async function readText(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8').trim();
}
