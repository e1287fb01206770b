import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { openRecords } from '../adapters/sqlite/open.ts';
import { systemIds } from '../adapters/system/ids.ts';
import type { Clock } from '../ports/clock.ts';
import { actOnce } from './act-once.ts';
import { createEngine, type Engine } from './engine.ts';
import { settleAll } from './settle.ts';
import type { AnyWorkflow, RunContext, Workflow } from './workflow.ts';

/** Time passes only when somebody sleeps, and then at once. */
function virtualClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  let nowMs = 0;
  return {
    slept,
    now: () => new Date(nowMs).toISOString(),
    monotonicMs: () => nowMs,
    sleep: async (ms, { signal }) => {
      signal.throwIfAborted();
      slept.push(ms);
      nowMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    },
  };
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const { signal } = new AbortController();

let dir: string;
let clock: ReturnType<typeof virtualClock>;
let records: Awaited<ReturnType<typeof openRecords>>;
/** What the outside world was asked to do, in order. */
let acts: string[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-engine-'));
  clock = virtualClock();
  acts = [];
  const newId = systemIds.next();
  records = await openRecords({
    dir,
    hostId: 'oma',
    newId,
    kind: 'lab',
    firstNbdPort: 1,
    clock,
    publish: () => undefined,
  });
});
afterEach(async () => {
  await records.close();
  rmSync(dir, { recursive: true, force: true });
});

type Make = { readonly workflows: readonly AnyWorkflow[]; readonly dieAt?: string };

/** A process of its own, as far as the engine can tell: it dies by never coming back from a moment. */
function startEngine({ workflows, dieAt }: Make): Engine & { readonly died: Promise<void> } {
  let tell: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const reached = (name: string): Promise<void> => {
    if (name !== dieAt) return Promise.resolve();
    tell();
    return new Promise(() => undefined);
  };
  const { journal, store } = records;
  return {
    ...createEngine({ journal, store, clock, ids: systemIds, points: { reached }, log: silent, workflows }),
    died,
  };
}

type Body = (context: RunContext) => Promise<string>;

const workflow = (run: Body, more: Partial<Workflow<unknown, string>> = {}): Workflow<unknown, string> => ({
  name: 'story',
  version: 1,
  input: z.unknown(),
  output: z.string(),
  cancellable: true,
  run,
  ...more,
});

const once = (context: RunContext, name: string, input: unknown = name): Promise<string> =>
  context.step(name, {
    input,
    ...actOnce(z.string(), () => {
      acts.push(name);
      return Promise.resolve(name);
    }),
  });

describe('after a crash a run goes on where its journal stands', () => {
  test.each([
    ['before-intent', ['first', 'second']],
    ['after-intent', ['first', 'second']],
    // The result of an act that gives it at once is lost with the process: it is done again.
    ['after-act', ['first', 'second', 'second']],
    ['after-record', ['first', 'second']],
  ])('killed at %s of the second step', async (moment, expected) => {
    const story = workflow(async (context) => {
      await once(context, 'first');
      return await once(context, 'second');
    });
    const doomed = startEngine({ workflows: [story], dieAt: `story/second/${moment}` });
    const id = await doomed.start(story, null);
    await doomed.died;
    const engine = startEngine({ workflows: [story] });
    expect(await engine.recover()).toBe(1);
    expect(await engine.join(id, { signal })).toBe('second');
    expect(acts).toEqual(expected);
  });

  test('an act that happened but was not recorded is found, not repeated', async () => {
    const cloud = new Set<string>();
    const story = workflow((context) =>
      context.step('make', {
        input: null,
        output: z.string(),
        handle: z.literal('accepted'),
        observe: () => Promise.resolve(cloud.has('volume') ? { state: 'done', output: 'volume' } : { state: 'absent' }),
        act: () => {
          acts.push('make');
          cloud.add('volume');
          return Promise.resolve('accepted' as const);
        },
      }),
    );
    const doomed = startEngine({ workflows: [story], dieAt: 'story/make/after-act' });
    const id = await doomed.start(story, null);
    await doomed.died;
    const engine = startEngine({ workflows: [story] });
    await engine.recover();
    expect(await engine.join(id, { signal })).toBe('volume');
    expect(acts).toEqual(['make']);
  });

  test('a step whose input is not what it was is refused and held', async () => {
    let input = 'one';
    const story = workflow(async (context) => {
      await once(context, 'first', input);
      return await once(context, 'second');
    });
    const doomed = startEngine({ workflows: [story], dieAt: 'story/second/before-intent' });
    const id = await doomed.start(story, null);
    await doomed.died;
    input = 'another';
    const engine = startEngine({ workflows: [story] });
    await engine.recover();
    await expect(engine.join(id, { signal })).rejects.toMatchObject({ code: 'WORKFLOW_CHANGED' });
    expect((await records.journal.run(id))?.status).toBe('held');
  });

  test('a run of another version of the program is held before any side effect', async () => {
    const story = workflow((context) => once(context, 'first'));
    const doomed = startEngine({ workflows: [story], dieAt: 'story/first/before-intent' });
    const id = await doomed.start(story, null);
    await doomed.died;
    const newer = { ...story, version: 2 };
    const engine = startEngine({ workflows: [newer] });
    await engine.recover();
    expect(await records.journal.run(id)).toMatchObject({ status: 'held', error: { code: 'WORKFLOW_CHANGED' } });
    expect(acts).toEqual([]);
  });
});

describe('failures', () => {
  test('what may pass is tried again with growing pauses; the run shows why it waits', async () => {
    let down = 3;
    const seen: string[] = [];
    const story = workflow(
      (context) =>
        context.step('call', {
          input: null,
          ...actOnce(z.string(), () => {
            down -= 1;
            if (down >= 0) throw new AppError('CLOUD_UNREACHABLE', 'refused');
            return Promise.resolve('up again');
          }),
        }),
      {
        project: (_tx, run) => {
          seen.push(`${run.status} ${run.reason ?? ''}`.trim());
          return Promise.resolve();
        },
      },
    );
    const engine = startEngine({ workflows: [story] });
    const id = await engine.start(story, null);
    expect(await engine.join(id, { signal })).toBe('up again');
    expect(clock.slept).toEqual([200, 400, 800]);
    expect(seen).toContain('waiting CLOUD_UNREACHABLE: refused');
    expect(seen.at(-1)).toBe('completed');
  });

  test('contact that is lost is waited for without end; only other failures use up the retries', async () => {
    const answers = [...Array<'VMA_UNREACHABLE'>(10).fill('VMA_UNREACHABLE'), 'MOVER_FAILED', 'MOVER_FAILED'] as const;
    let asked = 0;
    const story = workflow((context) =>
      context.step('call', {
        input: null,
        retries: 1,
        uncounted: new Set(['VMA_UNREACHABLE'] as const),
        ...actOnce(z.string(), () => {
          const code = answers[asked];
          asked += 1;
          if (code !== undefined) throw new AppError(code, 'no answer');
          return Promise.resolve('not reached');
        }),
      }),
    );
    const engine = startEngine({ workflows: [story] });
    const id = await engine.start(story, null);
    await expect(engine.join(id, { signal })).rejects.toMatchObject({ code: 'MOVER_FAILED' });
    expect(asked).toBe(answers.length);
  });

  test('what a person must mend is held with everything in place, and resume goes on', async () => {
    let broken = true;
    const story = workflow(
      async (context) => {
        await once(context, 'first');
        if (broken) throw new AppError('DEVICE_AMBIGUOUS', 'two');
        return await once(context, 'second');
      },
      { undo: () => Promise.resolve(void acts.push('undone')) },
    );
    const engine = startEngine({ workflows: [story] });
    const id = await engine.start(story, null);
    await expect(engine.join(id, { signal })).rejects.toMatchObject({ code: 'DEVICE_AMBIGUOUS' });
    broken = false;
    await engine.resume(id);
    expect(await engine.join(id, { signal })).toBe('second');
    expect(acts).toEqual(['first', 'second']);
  });

  test('an act that failed for good is made again by a resume, not read once more; and never by itself', async () => {
    let refuses = true;
    const story = workflow((context) =>
      context.step('detach', {
        input: null,
        output: z.string(),
        handle: z.string(),
        observe: (job) => {
          if (job === undefined) return Promise.resolve({ state: 'absent' });
          return Promise.resolve(
            refuses
              ? { state: 'failed', error: new AppError('DETACH_FAILED', job) }
              : { state: 'done', output: `done by ${job}` },
          );
        },
        act: ({ attempt }) => {
          acts.push(`detach ${String(attempt)}`);
          return Promise.resolve(`job ${String(attempt)}`);
        },
      }),
    );
    const engine = startEngine({ workflows: [story] });
    const id = await engine.start(story, null);
    await expect(engine.join(id, { signal })).rejects.toMatchObject({ code: 'DETACH_FAILED', reason: 'job 1' });
    expect(acts).toEqual(['detach 1']);
    refuses = false;
    await engine.resume(id);
    expect(await engine.join(id, { signal })).toBe('done by job 2');
    expect(acts).toEqual(['detach 1', 'detach 2']);
  });

  test('a failure is undone, and the undo survives a crash, too', async () => {
    const story = workflow(
      async (context) => {
        await once(context, 'first');
        throw new AppError('INTEGRITY', 'differs');
      },
      {
        undo: async (context) => {
          await once(context, 'take-back');
        },
      },
    );
    const doomed = startEngine({ workflows: [story], dieAt: 'story/undo/take-back/after-record' });
    const id = await doomed.start(story, null);
    await doomed.died;
    const engine = startEngine({ workflows: [story] });
    await engine.recover();
    await expect(engine.join(id, { signal })).rejects.toMatchObject({ code: 'INTEGRITY' });
    expect(acts).toEqual(['first', 'take-back']);
    expect((await records.journal.run(id))?.status).toBe('failed');
  });
});

describe('cancel', () => {
  const forever = (context: RunContext): Promise<string> =>
    context.step('wait', {
      input: null,
      output: z.string(),
      handle: z.null(),
      observe: () => Promise.resolve({ state: 'pending' }),
      act: () => Promise.resolve(null),
    });

  test('stops a run, undoes it, and is not lost with the process', async () => {
    const story = workflow(forever, { undo: () => Promise.resolve(void acts.push('undone')) });
    const engine = startEngine({ workflows: [story] });
    const id = await engine.start(story, null);
    await engine.cancel(id);
    await expect(engine.join(id, { signal })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(acts).toEqual(['undone']);
    expect((await records.journal.run(id))?.status).toBe('cancelled');
    await engine.cancel(id);
  });

  test('when one part fails for good the others are stopped and awaited before the undo', async () => {
    const stuck = workflow(forever, { name: 'stuck', undo: () => Promise.resolve(void acts.push('stuck undone')) });
    const bad = workflow(() => Promise.reject(new AppError('INTEGRITY')), { name: 'bad' });
    const story = workflow(
      async (context) => {
        const parts = [context.child('a', stuck, null), context.child('b', bad, null)];
        return (await settleAll(parts, () => context.cancelChildren())).join();
      },
      { undo: () => Promise.resolve(void acts.push('story undone')) },
    );
    const engine = startEngine({ workflows: [story, stuck, bad] });
    const id = await engine.start(story, null);
    await expect(engine.join(id, { signal })).rejects.toMatchObject({ code: 'INTEGRITY' });
    expect(acts).toEqual(['stuck undone', 'story undone']);
  });

  test('closing the engine stops at a checkpoint and decides nothing', async () => {
    const story = workflow(forever, { undo: () => Promise.resolve(void acts.push('undone')) });
    const engine = startEngine({ workflows: [story] });
    const id = await engine.start(story, null);
    await engine.close();
    expect(acts).toEqual([]);
    expect((await records.journal.run(id))?.status).toBe('running');
  });
});
