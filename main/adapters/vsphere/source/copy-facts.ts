import type { CopyFacts, MoverPresence } from '../../../domain/choose-copy-method.ts';
import { allSnapshots, type VmSpec } from '../../../domain/vm-spec.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { Vcenter } from '../../../ports/vcenter.ts';

type Asked = { readonly vcenter: Vcenter; readonly spec: VmSpec; readonly movers: readonly MoverPresence[] };

/** What decides how a VM is read, as its vCenter says it now. */
export async function copyFacts({ vcenter, spec, movers }: Asked, options: Signalled): Promise<CopyFacts> {
  const { fullName } = await vcenter.about(options);
  const { datastores } = await vcenter.inventory(options);
  const types = new Map(datastores.map(({ moRef, type }) => [moRef, type]));
  return {
    powerState: spec.powerState,
    snapshotCount: allSnapshots(spec.snapshots).length,
    disks: spec.disks.map((disk) => ({ ...disk, datastoreType: types.get(disk.datastoreMoRef ?? '') ?? null })),
    isLab: fullName.includes('(OSSEA lab)'),
    movers,
  };
}
