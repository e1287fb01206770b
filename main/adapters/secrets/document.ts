import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';

const format = 1;
const document = z.strictObject({
  format: z.literal(format),
  vault_id: z.uuid(),
  /** Another one after each rotation. */
  key_id: z.uuid(),
  /** Rises with each secret that is put, so that no box passes for a later one of the same name. */
  last_version: z.int().min(0),
  slots: z
    .array(
      z.strictObject({
        kind: z.enum(['key-file', 'keyring', 'passphrase', 'systemd-credential']),
        wrapped_key: z.string(),
      }),
    )
    .min(1),
  entries: z.array(z.strictObject({ name: z.string(), version: z.int().min(1), box: z.string() })),
});

/** DIR/vault.json without its last two members, which vouch for the rest. */
export type VaultDocument = z.infer<typeof document>;

export type StoredDocument = { readonly document: VaultDocument; readonly seal: string };

export function writeDocument(content: VaultDocument, key: Buffer): string {
  const text = JSON.stringify(content);
  const seal = sealOf(text, key);
  return `${JSON.stringify({ ...content, seal, checksum: checksumOf(text, seal) })}\n`;
}

/**
 * The checksum tells damage from a wrong key before any key is asked for. Only the seal, which needs the key, tells what we
 * wrote from what somebody else made; see `verifySeal`.
 */
export function readDocument(text: string, path: string): StoredDocument {
  const { seal, checksum, ...content } = asObject(text, path);
  if (typeof content['format'] === 'number' && content['format'] > format)
    throw new AppError('SCHEMA_NEWER', `${path} has format ${String(content['format'])}.`);
  const read = document.safeParse(content);
  if (!read.success || typeof seal !== 'string') throw damaged(path, 'It has not the form of a vault.');
  const again = JSON.stringify(read.data);
  if (checksum !== checksumOf(again, seal)) throw damaged(path, 'Its checksum does not fit.');
  return { document: read.data, seal };
}

export function verifySeal({ document: content, seal }: StoredDocument, key: Buffer, path: string): void {
  const ours = Buffer.from(sealOf(JSON.stringify(content), key));
  const theirs = Buffer.from(seal);
  if (ours.length !== theirs.length || !timingSafeEqual(ours, theirs))
    throw damaged(path, 'It was changed by something that does not hold its key.');
}

export const damaged = (path: string, how: string): AppError =>
  new AppError('VAULT_DAMAGED', `${path}: ${how}`, { path });

function asObject(text: string, path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw damaged(path, 'It is not JSON.');
  }
}

/** A key of its own: the vault's key itself only closes boxes. */
const sealOf = (text: string, key: Buffer): string =>
  createHmac('sha256', Buffer.from(hkdfSync('sha256', key, '', 'ossea vault seal', 32)))
    .update(text)
    .digest('hex');

const checksumOf = (text: string, seal: string): string => createHash('sha256').update(text).update(seal).digest('hex');
