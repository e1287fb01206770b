import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** AES-256-GCM: nonce, ciphertext and tag in one text. It opens only with the same key and the same `about`. */
export function closeBox(key: Buffer, content: Buffer, about: readonly string[]): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(bind(about));
  return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** null when the key, the content or what it is about is another one. */
export function openBox(key: Buffer, box: string, about: readonly string[]): Buffer | null {
  const bytes = Buffer.from(box, 'base64url');
  if (bytes.length < nonceBytes + tagBytes) return null;
  const end = bytes.length - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    .setAAD(bind(about))
    .setAuthTag(bytes.subarray(end));
  const content = decipher.update(bytes.subarray(nonceBytes, end));
  try {
    return Buffer.concat([content, decipher.final()]);
  } catch {
    // The one thing final() can say is that the tag does not fit.
    return null;
  }
}

/** As JSON, so that no two lists of texts are bound to the same bytes. */
const bind = (about: readonly string[]): Buffer => Buffer.from(JSON.stringify(['ossea vault', ...about]));
