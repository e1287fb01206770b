import { expect, test } from 'vitest';
import { createReadingTurns, type ReadingLimits } from './reading-turns.ts';

const esx = (number: number) => ({ moRef: `host-${String(number)}`, name: `esx${String(number)}` });
const signal = new AbortController().signal;

/** Asks for a turn, and notes when it came and what was said meanwhile. */
function asking(limits: ReadingLimits) {
  const turns = createReadingTurns(() => limits);
  const said: string[] = [];
  const inside: string[] = [];
  const ask = async (
    name: string,
    host: ReturnType<typeof esx> | null,
    options: { readonly siteId?: string; readonly signal?: AbortSignal } = {},
  ): Promise<() => void> => {
    const leave = await turns.enter(
      { siteId: options.siteId ?? 'site', host },
      {
        signal: options.signal ?? signal,
        waiting: (reason, work) => {
          said.push(`${name} ${reason}`);
          return work();
        },
      },
    );
    inside.push(name);
    return () => {
      inside.splice(inside.indexOf(name), 1);
      leave();
    };
  };
  return { turns, said, inside, ask };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a host is read as often as it may be; who comes later says for which one it waits, and enters in turn', async () => {
  const { said, inside, ask } = asking({ perHost: 2, perVcenter: 10 });
  const leaveA = await ask('a', esx(1));
  await ask('b', esx(1));
  const c = ask('c', esx(1));
  const d = ask('d', esx(1));
  await ask('e', esx(2));
  await ask('f', null);
  await soon();
  expect(inside).toEqual(['a', 'b', 'e', 'f']);
  expect(said).toEqual([
    'c READS_FULL: waits to read from esx1, from which 2 disks are read already',
    'd READS_FULL: waits to read from esx1, from which 2 disks are read already',
  ]);
  leaveA();
  const leaveC = await c;
  expect(inside).not.toContain('d');
  leaveC();
  await d;
});

test('all hosts together are read as often as their vCenter bears; another vCenter is another matter', async () => {
  const { said, inside, ask } = asking({ perHost: 8, perVcenter: 2 });
  const leaveA = await ask('a', esx(1));
  await ask('b', esx(2));
  const c = ask('c', esx(3));
  await ask('d', esx(1), { siteId: 'other' });
  await soon();
  expect(inside).toEqual(['a', 'b', 'd']);
  expect(said).toEqual(['c READS_FULL: waits to read through vCenter, through which 2 disks are read already']);
  leaveA();
  await c;
});

test('who gives up waiting for vCenter gives its host back, too; a higher limit lets the next one in', async () => {
  const limits = { perHost: 1, perVcenter: 1 };
  const { turns, inside, ask } = asking(limits);
  await ask('a', esx(1));
  const giveUp = new AbortController();
  const b = ask('b', esx(2), { signal: giveUp.signal });
  giveUp.abort(new Error('no longer wanted'));
  await expect(b).rejects.toThrow('no longer wanted');
  const c = ask('c', esx(2));
  limits.perVcenter = 2;
  turns.reconsider();
  await c;
  expect(inside).toEqual(['a', 'c']);
});
