import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../test/fixtures/random.ts';
import { type RateLimits, type Sharer, shareRate } from './share-rate.ts';

const mib = 1024 ** 2;
const none: RateLimits = { link: null, host: null, job: () => null };
const movers = (count: number, more: Partial<Sharer> = {}): Sharer[] =>
  Array.from({ length: count }, (_, index) => ({ id: String(index), jobId: null, host: null, ...more }));
const shares = (sharers: readonly Sharer[], limits: Partial<RateLimits>): (number | null)[] => [
  ...shareRate(sharers, { ...none, ...limits }).values(),
];

describe('what each mover may send', () => {
  test('without a limit, as much as it can', () => {
    expect(shares(movers(3), {})).toEqual([null, null, null]);
    expect(shares([], { link: mib })).toEqual([]);
  });

  test('the link is shared equally', () => {
    expect(shares(movers(4), { link: 100 })).toEqual([25, 25, 25, 25]);
  });

  test('what a slow job leaves over, the others get', () => {
    const [slow, ...others] = movers(3);
    const sharers = [{ ...slow!, jobId: 'slow' }, ...others];
    expect(shares(sharers, { link: 100, job: (id) => (id === 'slow' ? 10 : null) })).toEqual([10, 45, 45]);
  });

  test('a host, a job and the link at once: the tightest counts for each', () => {
    const sharers = [
      { id: 'a', jobId: 'j1', host: 'esx1' },
      { id: 'b', jobId: 'j1', host: 'esx1' },
      { id: 'c', jobId: 'j2', host: 'esx1' },
      { id: 'd', jobId: 'j2', host: 'esx2' },
    ];
    const limits = { link: 200, host: 90, job: (id: string) => (id === 'j1' ? 20 : null) };
    expect(shares(sharers, limits)).toEqual([10, 10, 70, 90]);
  });
});

const seed = Number(process.env['OSSEA_SEED'] ?? Date.now() % 1_000_000_000);

test(`whatever the limits (OSSEA_SEED=${seed}): none is passed, nobody starves, and no share could rise without taking from a smaller one`, () => {
  const random = randomFrom(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const limit = (): number | null => (random() < 0.4 ? null : mib * (1 + pick(200)));
  for (let round = 0; round < 500; round += 1) {
    const sharers = movers(1 + pick(12)).map(({ id }) => ({
      id,
      jobId: random() < 0.1 ? null : `job ${String(pick(4))}`,
      host: random() < 0.2 ? null : `host ${String(pick(3))}`,
    }));
    const jobs = new Map(Array.from({ length: 4 }, (_, index) => [`job ${String(index)}`, limit()]));
    const limits: RateLimits = { link: limit(), host: limit(), job: (id) => jobs.get(id) ?? null };
    const given = shareRate(sharers, limits);
    const rules: readonly { readonly most: number; readonly under: readonly Sharer[] }[] = [
      { most: limits.link, under: sharers },
      ...[0, 1, 2].map((host) => ({ most: limits.host, under: sharers.filter((one) => one.host === `host ${host}`) })),
      ...[...jobs].map(([id, most]) => ({ most, under: sharers.filter(({ jobId }) => jobId === id) })),
    ].flatMap(({ most, under }) => (most === null || under.length === 0 ? [] : [{ most, under }]));
    const context = JSON.stringify({ round, sharers, given: [...given] });
    const total = (under: readonly Sharer[]): number => under.reduce((sum, { id }) => sum + (given.get(id) ?? 0), 0);
    for (const { most, under } of rules) expect(total(under), context).toBeLessThanOrEqual(most);
    for (const sharer of sharers) {
      const mine = given.get(sharer.id);
      const over = rules.filter(({ under }) => under.includes(sharer));
      expect(mine === null, context).toBe(over.length === 0);
      if (mine === null || mine === undefined) continue;
      expect(mine, context).toBeGreaterThan(0);
      // One of its limits is used up, and nobody under it has more.
      const bound = over.some(
        ({ most, under }) =>
          total(under) >= most - 2 * under.length && under.every(({ id }) => (given.get(id) ?? 0) <= mine + 2),
      );
      expect(bound, context).toBe(true);
    }
  }
});
