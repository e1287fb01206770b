import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { readTextIfThere, writeFileDurably } from './json-file.ts';
import { initialState, type LabState } from './state.ts';
import { fromFirstFormat, fromSecondFormat } from './state-upgrade.ts';

export type Store = {
  readonly state: LabState;
  /** Resolves when everything changed before this call is on the disk. Calls made meanwhile share one write. */
  flush(): Promise<void>;
};

export async function openStore(dir: string, nowMs: number): Promise<Store> {
  const path = join(dir, 'state.json');
  const text = await readTextIfThere(path);
  const state = text === null ? initialState(nowMs) : readState(text, path);

  let written = text ?? '';
  let last: Promise<void> = Promise.resolve();
  let queued: Promise<void> | null = null;

  const write = async (): Promise<void> => {
    queued = null;
    const now = JSON.stringify(state);
    if (now === written) return;
    await writeFileDurably(path, now, 0o600);
    written = now;
  };
  // A write that has begun may have missed our change, so we join the one after it.
  const flush = (): Promise<void> => {
    queued ??= last.then(write, write);
    last = queued;
    return queued;
  };
  await flush();
  return { state, flush };
}

function readState(text: string, path: string): LabState {
  const { format } = JSON.parse(text) as { readonly format?: unknown };
  if (format === 1) return fromSecondFormat(fromFirstFormat(text));
  if (format === 2) return fromSecondFormat(JSON.parse(text) as Parameters<typeof fromSecondFormat>[0]);
  if (format !== 3) throw new AppError('SCHEMA_NEWER', `${path} has format ${String(format)}.`);
  return JSON.parse(text) as LabState;
}
