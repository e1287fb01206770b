import { open } from 'node:fs/promises';
import { AppError } from '../../../shared/errors.ts';
import type { ImageFile } from '../../domain/vm.ts';

export type TarMember = { readonly name: string; readonly offset: number; readonly sizeBytes: number };

const blockBytes = 512;

/** Where the members of a tar archive lie; an OVA is a plain tar, so its disk can be read in place. */
export async function tarMembers(path: string): Promise<TarMember[]> {
  const file = await open(path, 'r');
  try {
    const members: TarMember[] = [];
    const header = Buffer.alloc(blockBytes);
    for (let at = 0; ; ) {
      const { bytesRead } = await file.read(header, 0, blockBytes, at);
      if (bytesRead < blockBytes || header.every((byte) => byte === 0)) return members;
      if (header.toString('latin1', 257, 262) !== 'ustar') {
        throw new AppError('SOURCE_UNREADABLE', `${path} is not a tar archive (offset ${at}).`, { path });
      }
      const sizeBytes = numberField(header.subarray(124, 136));
      const kind = header.toString('latin1', 156, 157);
      const prefix = textField(header.subarray(345, 500));
      const name = textField(header.subarray(0, 100));
      if (kind === '0' || kind === '\0') {
        members.push({ name: prefix === '' ? name : `${prefix}/${name}`, offset: at + blockBytes, sizeBytes });
      }
      at += blockBytes + Math.ceil(sizeBytes / blockBytes) * blockBytes;
    }
  } finally {
    await file.close();
  }
}

export async function ovaMember(source: ImageFile): Promise<TarMember> {
  const members = await tarMembers(source.path);
  const found = members.find(({ name }) => name === source.member);
  if (found !== undefined) return found;
  const names = members.map(({ name }) => name).join(', ');
  throw new AppError(
    'SOURCE_UNREADABLE',
    `${source.path} has no member ${source.member ?? '(none named)'}: ${names}.`,
    {
      path: source.path,
    },
  );
}

const textField = (field: Buffer): string => field.toString('utf8').split('\0')[0] ?? '';

/** Octal, or binary with the top bit set for members of 8 GiB and more. */
function numberField(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(4));
  return Number.parseInt(textField(field).trim() || '0', 8);
}
