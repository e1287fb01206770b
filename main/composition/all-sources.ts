import { isImageFile, type SourceImage } from '../domain/vm.ts';
import type { Sources } from '../ports/sources.ts';

/** Image files and vCenters as one: a disk is asked of where its bytes are. */
export function allSources({ images, vsphere }: { readonly images: Sources; readonly vsphere: Sources }): Sources {
  const of = (image: SourceImage): Sources => (isImageFile(image) ? images : vsphere);
  return {
    list: async (options) => (await Promise.all([images.list(options), vsphere.list(options)])).flat(),
    state: (disk, options) => of(disk.image).state(disk, options),
    allocated: (image, options) => of(image).allocated(image, options),
  };
}
