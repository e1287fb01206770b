import type { Migration } from '../../shared/contract/migrations.ts';
import { type Contender, type Figure, interleave, median, type Table, timeRatio } from './measure.ts';
import { type OwnDaemon, phaseSeconds, withDaemon } from './own-daemon.ts';
import { dropCache, type Target, withTarget } from './target.ts';
import { findPeer, gib, mib, required, runOne, secondsOf, type Workbench } from './workbench.ts';

const [ours, bare] = ['our migration, create to completed', 'bare reads, nbdcopy --flush, bare hashes'];

/** Rule M3, M5 and P1 by hand: the blank device is read, the source is hashed beside the copy, the target after it. */
export async function migrationRow(bench: Workbench): Promise<Table> {
  // A whole number of GiB, so that volume and disk are of one size and there is no tail to read.
  const bytes = bench.quick ? gib : 4 * gib;
  const source = await bench.denseImage(bytes);
  const jobs: Migration[] = [];
  const steps = new Map<string, number[]>();
  const contenders = (daemon: OwnDaemon): Contender[] => [
    {
      name: ours,
      run: async () => {
        await runOne([required('sync')], bench);
        const { seconds, job } = await daemon.migrate(source);
        jobs.push(job);
        return seconds;
      },
    },
    { name: bare, run: () => withTarget(bench, bytes, (target) => bareMigration(bench, { source, target, steps })) },
  ];
  const figures = await withDaemon((daemon) => interleave(contenders(daemon), { ...bench, bytes }));
  const details = [
    ...phaseFigures(jobs, 'ours'),
    ...[...steps].map(([name, seconds]) => figure(`bare: ${name}`, seconds)),
  ];
  return {
    id: 'migration',
    title: `whole migration with proof of a dense disk of ${bytes / gib} GiB`,
    figures: [...figures, ...details],
    ratios: timeRatio(figures, { ours, peer: bare, aim: 'at most 1.3' }),
    notes: [
      `The bare hashes are of ${findPeer('openssl') === null ? 'sha256sum (openssl: not here)' : 'openssl'}, whole disk only; ours also hashes chunks.`,
    ],
  };
}

const figure = (name: string, seconds: readonly number[]): Figure => ({ name, seconds, bytes: null });

function phaseFigures(jobs: readonly Migration[], prefix: string): Figure[] {
  const names = [...new Set(jobs.flatMap((job) => [...phaseSeconds(job).keys()]))];
  return names.map((name) =>
    figure(
      `${prefix}: ${name}`,
      jobs.map((job) => phaseSeconds(job).get(name) ?? 0),
    ),
  );
}

type BareOrder = { readonly source: string; readonly target: Target; readonly steps: Map<string, number[]> };

async function bareMigration(bench: Workbench, { source, target, steps }: BareOrder): Promise<number> {
  const openssl = findPeer('openssl');
  const hash = (path: string): Promise<void> =>
    runOne(openssl === null ? [required('sha256sum'), path] : [openssl, 'dgst', '-sha256', path], bench);
  const step = async (name: string, work: () => Promise<unknown>): Promise<number> => {
    const seconds = await secondsOf(work);
    steps.set(name, [...(steps.get(name) ?? []), seconds]);
    return seconds;
  };
  const { node } = target.disk;
  const blank = await step('read the blank device', () => readDirect(bench, node));
  const copy = await step('nbdcopy --flush, source hashed beside it', () =>
    Promise.all([runOne([required('nbdcopy'), '--flush', '--', source, target.uri], bench), hash(source)]),
  );
  await dropCache(bench, node);
  const proof = await step('read and hash the target', () => hash(node));
  return blank + copy + proof;
}

const readDirect = (bench: Workbench, node: string): Promise<void> =>
  runOne([required('dd'), `if=${node}`, 'of=/dev/null', 'bs=4M', 'iflag=direct', 'status=none'], bench);

const [whole, reads] = ['whole migration of 1 MiB', 'bare reads in it: a blank GiB before, its tail after'];

/** Everything that is not bytes: a disk of 1 MiB. The volume still has a GiB, which rules M3 and M5 read twice. */
export async function orchestrationRow(bench: Workbench): Promise<Table> {
  const source = await bench.denseImage(mib);
  const jobs: Migration[] = [];
  const figures = await withDaemon((daemon) =>
    interleave(
      [
        {
          name: whole,
          run: async () => {
            const { seconds, job } = await daemon.migrate(source);
            jobs.push(job);
            return seconds;
          },
        },
        {
          name: reads,
          run: () =>
            withTarget(bench, gib, async ({ disk }) =>
              secondsOf(async () => {
                await readDirect(bench, disk.node);
                await readDirect(bench, disk.node);
              }),
            ),
        },
      ],
      { ...bench, bytes: null },
    ),
  );
  const [first, second] = figures.map(({ seconds }) => median(seconds));
  return {
    id: 'orchestration',
    title: 'what a migration takes beside its bytes',
    figures: [...figures, ...phaseFigures(jobs, 'phase')],
    ratios: [],
    notes: [
      `Without those reads: ${((first ?? 0) - (second ?? 0)).toFixed(2)} s. The cloud of the lab answers without delay here.`,
    ],
  };
}
