import { createHash, randomBytes } from 'node:crypto';
import type { Ids } from '../../ports/ids.ts';

const format = (bytes: Buffer, version: number): string => {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
};

/** Object keys sorted, so that equal values give equal text. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

export const systemIds: Ids = {
  /** UUIDv7, RFC 9562 section 5.7. */
  next: () => {
    const bytes = randomBytes(16);
    bytes.writeUIntBE(Date.now(), 0, 6);
    return format(bytes, 7);
  },
  /** UUIDv8 of a SHA-256, RFC 9562 appendix B.2. */
  derive: (parent, name) => format(createHash('sha256').update(`${parent}\n${name}`).digest().subarray(0, 16), 8),
  digest: (value) =>
    createHash('sha256')
      .update(canonical(value ?? null))
      .digest('hex'),
};
