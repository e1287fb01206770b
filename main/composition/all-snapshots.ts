import { AppError } from '../../shared/errors.ts';
import { imageCopyMethod } from '../domain/choose-copy-method.ts';
import type { SourceSnapshots, VmRef } from '../ports/source-snapshots.ts';

type All = {
  readonly vsphere: SourceSnapshots;
  readonly vma: { readonly snapshots: SourceSnapshots; readonly reaches: (siteId: string) => boolean };
};

/** Image files have no snapshots and need none: they are read as they are. */
export function allSnapshots({ vsphere, vma }: All): SourceSnapshots {
  const of = (vm: VmRef): SourceSnapshots => {
    if (vm.sourceKind === 'vsphere') return vma.reaches(vm.sourceId) ? vma.snapshots : vsphere;
    throw new AppError('INTERNAL', `VM ${vm.vmId} is made of image files, of which no snapshot can be taken.`);
  };
  return {
    method: (vm, options) =>
      vm.sourceKind === 'images' ? Promise.resolve(imageCopyMethod) : of(vm).method(vm, options),
    freeze: (request, options) => of(request.vm).freeze(request, options),
    changedAreas: (request, options) => of(request.vm).changedAreas(request, options),
    thaw: (request, options) =>
      request.vm.sourceKind === 'images' ? Promise.resolve() : of(request.vm).thaw(request, options),
  };
}
