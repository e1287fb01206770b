import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { openRecords } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemIds } from '../adapters/system/ids.ts';
import { createEngine, type Engine } from './engine.ts';
import type { Workflow } from './workflow.ts';

type Records = Awaited<ReturnType<typeof openRecords>>;

let dir: string;
let records: Records;
let engine: Engine;
/** Called by the run once it is at work; it goes on when the promise is resolved. */
let atWork: (goOn: () => void) => void = () => undefined;

/** Waits until it may go on, then meets a condition that only a person can mend. */
const parked: Workflow<null, null> = {
  name: 'parked',
  version: 1,
  input: z.null(),
  output: z.null(),
  cancellable: true,
  run: async () => {
    await new Promise<void>((goOn) => {
      atWork(goOn);
    });
    throw new AppError('CLOUD_AUTH', 'The key is wrong.');
  },
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-engine-'));
  const fixed = {
    hostId: 'oma',
    newId: systemIds.next(),
    kind: 'lab',
    firstNbdPort: 1,
    publish: () => undefined,
  } as const;
  records = await openRecords({ dir, clock: systemClock, ...fixed });
  const { journal, store } = records;
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const points = { reached: () => Promise.resolve() };
  engine = createEngine({ journal, store, log, points, clock: systemClock, ids: systemIds, workflows: [parked] });
});
afterEach(async () => {
  await engine.close();
  await records.close();
  rmSync(dir, { recursive: true });
});

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('a cancel that meets a run just as it is being held ends it, at whatever moment it comes', async () => {
  const signal = AbortSignal.timeout(30_000);
  for (let moment = 0; moment < 40; moment += 1) {
    const reached = new Promise<() => void>((resolve) => {
      atWork = resolve;
    });
    const id = await engine.start(parked, null);
    (await reached)();
    await turns(moment);
    await engine.cancel(id);
    await expect(engine.join(id, { signal }), `moment ${String(moment)}`).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await records.journal.run(id))?.status).toBe('cancelled');
  }
});
