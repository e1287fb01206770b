import { type Contender, type Figure, interleave, type Table, timeRatio } from './measure.ts';
import { targetKind, withTarget } from './target.ts';
import { mib, secondsOf, type Workbench } from './workbench.ts';

const told = (mibPerSecond: number): string => `what ${String(mibPerSecond)} MiB/s means`;
const measured = (mibPerSecond: number): string => `our mover, told ${String(mibPerSecond)} MiB/s`;
const aim = 'between 0.95 and 1.1';

/** How near to its limit a mover comes; each copy is as long as the limit allows in some seconds. */
export async function throttleRow(bench: Workbench): Promise<Table> {
  const limitSeconds = bench.quick ? 3 : 10;
  const rates = [8, 64] as const;
  const figures: Figure[] = [];
  for (const rate of rates) {
    const bytes = rate * limitSeconds * mib;
    const source = await bench.denseImage(bytes);
    const contenders: Contender[] = [
      { name: told(rate), run: () => Promise.resolve(limitSeconds) },
      {
        name: measured(rate),
        run: () =>
          withTarget(bench, bytes, ({ appliance, mapping, opened }) => {
            const mover = appliance.mover({ rateBytesPerSecond: rate * mib });
            const request = {
              source: { path: source, format: 'raw' } as const,
              sourceBytes: bytes,
              target: opened,
              mapping,
              extents: [{ offset: 0, length: bytes }],
              attempt: 1,
            };
            return secondsOf(() => mover.copySegment(request, bench));
          }),
      },
    ];
    figures.push(...(await interleave(contenders, { ...bench, bytes })));
  }
  return {
    id: 'throttle',
    title: `copies of ${String(limitSeconds)} s under a limit of the bandwidth, to a ${targetKind} device`,
    figures,
    ratios: rates.flatMap((rate) => timeRatio(figures, { ours: measured(rate), peer: told(rate), aim })),
    notes: ['The start of the programs and the last flush are part of the time, and no part of the limit.'],
  };
}
