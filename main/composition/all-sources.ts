import { isImageFile, type SourceImage } from '../domain/vm.ts';
import type { DiskHasher } from '../ports/disk-hasher.ts';
import type { Mover } from '../ports/mover.ts';
import type { Sources } from '../ports/sources.ts';

type All = { readonly images: Sources; readonly vsphere: Sources; readonly vma: Sources };

/** Image files, vCenters and VMAs as one: a disk is asked of where its bytes are. */
export function allSources({ images, vsphere, vma }: All): Sources {
  const of = (image: SourceImage): Sources => {
    if (isImageFile(image)) return images;
    return image.format === 'vma' ? vma : vsphere;
  };
  return {
    list: async (options) => (await Promise.all([images, vsphere, vma].map((one) => one.list(options)))).flat(),
    state: (disk, options) => of(disk.image).state(disk, options),
    allocated: (image, options) => of(image).allocated(image, options),
  };
}

/** The mover of this machine, and the VMAs: whoever reads a disk also carries it. */
export function allMovers({ here, vma }: { readonly here: Mover; readonly vma: Mover }): Mover {
  const of = (image: SourceImage): Mover => (image.format === 'vma' ? vma : here);
  return {
    name: here.name,
    stopEarlier: async (disk, options) => {
      await of(disk.source).stopEarlier?.(disk, options);
    },
    copySegment: (request, options) => of(request.source).copySegment(request, options),
  };
}

type Hashers = { readonly here: DiskHasher; readonly vma: Pick<DiskHasher, 'hashSource' | 'sourceChunks'> };

/** The devices of the appliance are read here, a source by whoever reads it for the copy. */
export function allHashers({ here, vma }: Hashers): DiskHasher {
  const of = (source: SourceImage): Hashers['vma'] => (source.format === 'vma' ? vma : here);
  return {
    ...here,
    hashSource: (source, bytes, options) => of(source).hashSource(source, bytes, options),
    sourceChunks: (source, request, options) => of(source).sourceChunks(source, request, options),
  };
}
