import type { SourceImages } from '../ports/source-images.ts';

/** Several folders with VM definitions as one source. */
export function imageFolders(folders: readonly SourceImages[]): SourceImages {
  const [first] = folders;
  if (first === undefined) throw new Error('a source needs a folder');
  return {
    list: async (options) => (await Promise.all(folders.map((folder) => folder.list(options)))).flat(),
    state: (disk, options) => first.state(disk, options),
    allocated: (image, options) => first.allocated(image, options),
  };
}
