import { AppError } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { Sources } from '../ports/sources.ts';

/** Several folders with VM definitions as one source. */
export function imageFolders(folders: readonly Sources[]): Sources {
  const [first] = folders;
  if (first === undefined) throw new Error('a source needs a folder');
  return {
    list: async (options) => {
      const vms = (await Promise.all(folders.map((folder) => folder.list(options)))).flat();
      refuseDoubles(vms);
      return vms;
    },
    state: (disk, options) => first.state(disk, options),
    allocated: (image, options) => first.allocated(image, options),
  };
}

/** The id is the identity: with two VMs of one id the wrong one could be migrated. */
function refuseDoubles(vms: readonly SourceVm[]): void {
  const byId = new Map<string, SourceVm>();
  for (const vm of vms) {
    const other = byId.get(vm.vmId);
    if (other !== undefined) {
      const reason = `The definitions of ${other.name} and ${vm.name} both have vm_id ${vm.vmId}.`;
      throw new AppError('SOURCE_UNREADABLE', reason, { vm_id: vm.vmId, names: [other.name, vm.name] });
    }
    byId.set(vm.vmId, vm);
  }
}
