import type { ImageFile } from '../../domain/vm.ts';
import { ovaMember } from './tar.ts';

/** How qemu-nbd and qemu-img are told which image to open; the last argument names the image. */
export async function imageOptions(source: ImageFile): Promise<string[]> {
  // The format is always said: a probed raw image could claim to be qcow2 and name any file as its backing.
  if (source.format !== 'ova') return ['-f', source.format, source.path];
  const member = await ovaMember(source);
  const options = [
    'driver=vmdk',
    'file.driver=raw',
    `file.offset=${member.offset}`,
    `file.size=${member.sizeBytes}`,
    'file.file.driver=file',
    `file.file.filename=${source.path.replaceAll(',', ',,')}`,
  ];
  return ['--image-opts', options.join(',')];
}
