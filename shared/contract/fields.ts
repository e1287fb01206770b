import { z } from 'zod';

export const nothing = z.strictObject({});
export const noBody = z.undefined();
export const id = z.uuid();
export const instant = z.iso.datetime({ precision: 3 });
/** An instant that a caller gives, with any offset. */
// eslint-disable-next-line no-restricted-syntax -- converts a given time, reads no clock
export const point = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());
/** Whole bytes, exactly representable. */
export const bytes = z.int().min(0);
export const errorBody = z.object({
  error: z.string(),
  code: z.string(),
  cause: z.string().optional(),
  remedy: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});
/** A query value is text on the wire; a list answers at most this many rows. */
export const limit = z.coerce.number().int().min(1).max(1000).default(100);
