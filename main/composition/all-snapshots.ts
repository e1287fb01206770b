import { AppError } from '../../shared/errors.ts';
import { imageCopyMethod } from '../domain/choose-copy-method.ts';
import type { SourceSnapshots, VmRef } from '../ports/source-snapshots.ts';

/** Image files have no snapshots and need none: they are read as they are. */
export function allSnapshots({ vsphere }: { readonly vsphere: SourceSnapshots }): SourceSnapshots {
  const of = (vm: VmRef): SourceSnapshots => {
    if (vm.sourceKind === 'vsphere') return vsphere;
    throw new AppError('INTERNAL', `VM ${vm.vmId} is made of image files, of which no snapshot can be taken.`);
  };
  return {
    method: (vm, options) =>
      vm.sourceKind === 'images' ? Promise.resolve(imageCopyMethod) : vsphere.method(vm, options),
    freeze: (request, options) => of(request.vm).freeze(request, options),
    changedAreas: (request, options) => of(request.vm).changedAreas(request, options),
    thaw: (request, options) =>
      request.vm.sourceKind === 'images' ? Promise.resolve() : vsphere.thaw(request, options),
  };
}
