import { join, resolve } from 'node:path';
import type { HasherJob } from '../../main/hasher/protocol.ts';
import { type Contender, interleave, speedRatio, type Table } from './measure.ts';
import { dropCache, targetKind, withTarget } from './target.ts';
import { findPeer, gib, mib, notHere, required, runOne, secondsOf, type Workbench } from './workbench.ts';

export const hasherPath = resolve(import.meta.dirname, '../../dist/hasher.cjs');
const [ours, openssl, coreutils] = ['our hasher (whole and 4 MiB chunks)', 'openssl dgst -sha256', 'sha256sum'];
const limit = 'dd iflag=direct';

/** One device that stays; every reader starts without its pages in memory. */
export async function hasherRow(bench: Workbench): Promise<Table> {
  const bytes = bench.quick ? 256 * mib : 2 * gib;
  const source = await bench.denseImage(bytes);
  return await withTarget(bench, bytes, async ({ disk }) => {
    await runOne(
      [required('dd'), `if=${source}`, `of=${disk.node}`, 'bs=4M', 'conv=fdatasync,notrunc', 'status=none'],
      bench,
    );
    const reading = (name: string, command: readonly [string, ...string[]]): Contender => ({
      name,
      run: async () => {
        await dropCache(bench, disk.node);
        return await secondsOf(() => runOne(command, bench));
      },
    });
    const job: HasherJob = {
      ...{ mode: 'hash', path: disk.node, reader: 'direct', bytes, deviceBytes: bytes },
      // The bench has no appliance around it: a source is read the same way.
      identity: null,
      manifestsDir: join(bench.folder, 'manifests'),
    };
    const peers = [
      { name: openssl, path: findPeer('openssl'), args: ['dgst', '-sha256'] },
      { name: coreutils, path: findPeer('sha256sum'), args: [] },
    ];
    const figures = await interleave(
      [
        reading(ours, [process.execPath, hasherPath, JSON.stringify(job)]),
        ...peers.flatMap(({ name, path, args }) => (path === null ? [] : [reading(name, [path, ...args, disk.node])])),
        reading(limit, [required('dd'), `if=${disk.node}`, 'of=/dev/null', 'bs=4M', 'iflag=direct', 'status=none']),
      ],
      { ...bench, bytes },
    );
    return {
      id: 'hasher',
      title: `read and hash a ${targetKind} device of ${bytes / mib} MiB`,
      figures,
      ratios: [openssl, coreutils, limit].flatMap((peer) => speedRatio(figures, { ours, peer, aim: null })),
      notes: peers.filter(({ path }) => path === null).map(({ name }) => notHere(name)),
    };
  });
}
