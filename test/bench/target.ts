import type { Mapping } from '../../main/domain/device.ts';
import type { OpenExport } from '../../main/ports/nbd-exports.ts';
import { type Appliance, buildAppliance, type Disk, isRoot } from '../fixtures/appliance.ts';
import { required, runOne, type Workbench } from './workbench.ts';

export type Target = {
  readonly appliance: Appliance;
  readonly disk: Disk;
  readonly mapping: Mapping;
  readonly opened: OpenExport;
  readonly uri: string;
};

export const targetKind = isRoot ? 'loop' : 'file';

/** A blank disk behind our own nbd-server, made anew for every measurement so that none inherits the pages of another. */
export async function withTarget<T>(
  { signal }: Workbench,
  bytes: number,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const appliance = await buildAppliance(targetKind);
  try {
    const disk = appliance.attach('vdb', bytes);
    const mapping = await appliance.map(disk);
    const opened = await appliance.exports.ensureOpen(mapping, { signal });
    // What the last measurement left to be written must not be written during this one.
    await runOne([required('sync')], { signal });
    return await work({ appliance, disk, mapping, opened, uri: `nbd://127.0.0.1:${opened.port}/${opened.exportName}` });
  } finally {
    await appliance.remove();
  }
}

/** So that a read comes from the device: its pages are dropped, which a file in its place needs to be asked otherwise. */
export async function dropCache({ signal }: Workbench, node: string): Promise<void> {
  if (isRoot && node.startsWith('/dev/')) await runOne([required('blockdev'), '--flushbufs', node], { signal });
  else await runOne([required('dd'), `if=${node}`, 'iflag=nocache', 'count=0', 'status=none'], { signal });
}
