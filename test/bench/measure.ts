/** One way to do the same work. `run` makes its own fresh target, answers the seconds of the work alone, and tidies up. */
export type Contender = { readonly name: string; readonly run: () => Promise<number> };

export type Figure = {
  readonly name: string;
  /** One per round, in their order. */
  readonly seconds: readonly number[];
  /** What was carried or read; null where the figure is no throughput. */
  readonly bytes: number | null;
};

/** `faster` over `slower`: how many times as fast the first one is; an aim says what is wanted and asserts nothing. */
export type Ratio = {
  readonly text: string;
  /** Of the medians. */
  readonly value: number;
  /** The same within each round: as wide as this, the ratio of the medians means little. */
  readonly rounds: readonly number[];
  readonly aim: string | null;
};

export type Table = {
  readonly id: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly ratios: readonly Ratio[];
  readonly notes: readonly string[];
};

/**
 * Ours, peer, ours, peer: what the machine does meanwhile hits all alike. Each round begins with another contender, or
 * one of them would always run after the same neighbour and inherit what that one left behind.
 */
export async function interleave(
  contenders: readonly Contender[],
  { rounds, signal, bytes }: { readonly rounds: number; readonly signal: AbortSignal; readonly bytes: number | null },
): Promise<Figure[]> {
  const seconds = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const index = (turn + round) % contenders.length;
      const contender = contenders[index];
      if (contender === undefined) continue;
      signal.throwIfAborted();
      const taken = await contender.run();
      seconds[index]?.push(taken);
      process.stderr.write(`  ${round + 1}/${rounds} ${contender.name}: ${taken.toFixed(2)} s\n`);
    }
  }
  return contenders.map(({ name }, index) => ({ name, seconds: seconds[index] ?? [], bytes }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

type Pair = { readonly ours: string; readonly peer: string; readonly aim: string | null };

/** Of the figures with these names; none when one of them was not measured here. */
export const speedRatio = (figures: readonly Figure[], pair: Pair): Ratio[] =>
  ratioOf(figures, pair, { what: 'speed', divide: (ours, peer) => peer / ours });

export const timeRatio = (figures: readonly Figure[], pair: Pair): Ratio[] =>
  ratioOf(figures, pair, { what: 'time', divide: (ours, peer) => ours / peer });

function ratioOf(
  figures: readonly Figure[],
  { ours, peer, aim }: Pair,
  { what, divide }: { readonly what: string; readonly divide: (ours: number, peer: number) => number },
): Ratio[] {
  const [one, other] = [ours, peer].map((name) => figures.find((figure) => figure.name === name)?.seconds);
  if (one === undefined || other === undefined) return [];
  const rounds = one.map((seconds, round) => divide(seconds, other[round] ?? Number.NaN));
  const value = divide(median(one), median(other));
  return [{ text: `${what} of "${ours}" / "${peer}"`, value, rounds, aim }];
}
