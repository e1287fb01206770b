import { AppError } from '../../../shared/errors.ts';
import type { VmDisk, VmSpec } from '../../domain/vm-spec.ts';
import { allSnapshots } from '../../domain/vm-spec.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { SourceState } from '../../ports/vcenter.ts';
import { endpointOf } from './endpoint.ts';
import { collectOne } from './inventory/collect.ts';
import { filterSpec, oneObject } from './inventory/view.ts';
import type { Session } from './session.ts';
import { disksIn } from './vm/disks.ts';
import { powerStateIn, snapshotsIn } from './vm/snapshots.ts';

/** Rule M7: only a flat file holds the disk's bytes as they are. */
export function folderUrl(url: string, { datacenterPath }: Pick<VmSpec, 'datacenterPath'>, disk: VmDisk): string {
  const path = /^\[(.+?)\] (.+)\.vmdk$/.exec(disk.vmdkPath ?? '');
  const why = whyNot(disk, datacenterPath);
  if (why !== null || path?.[1] === undefined || path[2] === undefined || datacenterPath === null) {
    throw new AppError('SOURCE_UNREADABLE', `${disk.label}: ${why ?? 'its path is not that of a file'}.`, {
      disk_key: disk.key,
      vmdk: disk.vmdkPath,
    });
  }
  const file = `${path[2]}-flat.vmdk`.split('/').map(encodeURIComponent).join('/');
  const query = `dcPath=${encodeURIComponent(datacenterPath)}&dsName=${encodeURIComponent(path[1])}`;
  return `${endpointOf(url).origin}/folder/${file}?${query}`;
}

function whyNot(disk: VmDisk, datacenterPath: string | null): string | null {
  if (disk.rdm !== null) return 'a raw device mapping has no file';
  if (disk.encrypted) return 'its file is encrypted';
  if (disk.parentPaths.length > 0) return 'its bytes are spread over snapshots';
  if (disk.backing !== 'VirtualDiskFlatVer2BackingInfo') return `${String(disk.backing)} is no flat file`;
  return datacenterPath === null ? 'its datacenter is not known' : null;
}

const paths = ['runtime.powerState', 'config.changeVersion', 'config.hardware.device', 'snapshot'];

export async function readSourceState(
  { run }: Session,
  moRef: string,
  { diskKey, signal }: Signalled & { readonly diskKey: number },
): Promise<SourceState> {
  const target = { type: 'VirtualMachine', value: moRef };
  const spec = filterSpec('specSet', [{ type: 'VirtualMachine', paths }], [oneObject(target)]);
  const { properties } = await run((connection) => collectOne(connection, spec, { signal }), { signal });
  const devices = properties.get('config.hardware.device');
  const disk = devices === undefined ? undefined : disksIn(devices).find(({ key }) => key === diskKey);
  if (disk === undefined) {
    throw new AppError('SOURCE_CHANGED', `${moRef} has no disk ${diskKey}.`, { vm: moRef, disk_key: diskKey });
  }
  const tree = properties.get('snapshot');
  return {
    powerState: powerStateIn(properties.get('runtime.powerState')?.text ?? null),
    changeVersion: properties.get('config.changeVersion')?.text ?? null,
    backingFiles: [disk.vmdkPath ?? '', ...disk.parentPaths],
    snapshotCount: tree === undefined ? 0 : allSnapshots(snapshotsIn(tree)).length,
  };
}
