import { copyByHand, type Order } from './by-hand.ts';
import { type Contender, interleave, speedRatio, type Table } from './measure.ts';
import { type Target, targetKind, withTarget } from './target.ts';
import { findPeer, gib, mib, notHere, required, runOne, secondsOf, type Workbench } from './workbench.ts';

const [ours, hand] = ['our mover, segment by segment', 'the same commands by hand, same segments'];
const handAtOnce = 'the same commands by hand, in one run';
const [qemu, qemuFlushed] = ['qemu-img convert -n -W', 'qemu-img convert -n -W -t writeback'];
const [plain, limit] = ['nbdcopy --flush from the file', 'dd conv=fdatasync to the device'];

/** From the first program's start to the flush of the last byte. */
export async function transferRow(bench: Workbench): Promise<Table> {
  const bytes = bench.quick ? 256 * mib : 2 * gib;
  const segmentBytes = bench.quick ? 128 * mib : gib;
  const source = await bench.denseImage(bytes);
  const convert = findPeer('qemu-img');
  const onTarget = (name: string, work: (target: Target) => Promise<unknown>): Contender => ({
    name,
    run: () => withTarget(bench, bytes, (target) => secondsOf(() => work(target))),
  });
  const viaQemu = (name: string, extra: readonly string[]): Contender[] =>
    convert === null
      ? []
      : [
          onTarget(name, ({ uri }) =>
            runOne([convert, 'convert', '-n', '-W', ...extra, '-f', 'raw', '-O', 'raw', source, uri], bench),
          ),
        ];
  const contenders = [
    onTarget(ours, (target) => copyInSegments(bench, { source, bytes, segmentBytes }, target)),
    // The same cut, or the flush in the middle would be compared and not the mover.
    onTarget(hand, (target) => copyByHand(bench, { source, bytes, segmentBytes }, target)),
    onTarget(handAtOnce, (target) => copyByHand(bench, { source, bytes, segmentBytes: bytes }, target)),
    ...viaQemu(qemu, []),
    ...viaQemu(qemuFlushed, ['-t', 'writeback']),
    onTarget(plain, ({ uri }) => runOne([required('nbdcopy'), '--flush', '--', source, uri], bench)),
    onTarget(limit, ({ disk }) =>
      runOne(
        [required('dd'), `if=${source}`, `of=${disk.node}`, 'bs=4M', 'conv=fdatasync,notrunc', 'status=none'],
        bench,
      ),
    ),
  ];
  const figures = await interleave(contenders, { ...bench, bytes });
  return {
    id: 'transfer',
    title: `transfer of a dense disk of ${bytes / mib} MiB in segments of ${segmentBytes / mib} MiB to a ${targetKind} device`,
    figures,
    ratios: [
      ...speedRatio(figures, { ours, peer: hand, aim: 'at least 0.95' }),
      ...speedRatio(figures, { ours, peer: handAtOnce, aim: null }),
      ...speedRatio(figures, { ours, peer: qemu, aim: 'at least 1.5' }),
      ...speedRatio(figures, { ours, peer: qemuFlushed, aim: null }),
      ...speedRatio(figures, { ours, peer: limit, aim: null }),
    ],
    notes: convert === null ? [notHere('qemu-img')] : ['qemu-img without -t writeback ends without a flush.'],
  };
}

async function copyInSegments({ signal }: Workbench, order: Order, target: Target): Promise<void> {
  const mover = target.appliance.mover();
  for (let offset = 0; offset < order.bytes; offset += order.segmentBytes) {
    await mover.copySegment(
      {
        source: { path: order.source, format: 'raw', member: undefined },
        sourceBytes: order.bytes,
        target: target.opened,
        mapping: target.mapping,
        extents: [{ offset, length: Math.min(order.segmentBytes, order.bytes - offset) }],
        attempt: offset / order.segmentBytes + 1,
      },
      { signal },
    );
  }
}
