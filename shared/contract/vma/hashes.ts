import { z } from 'zod';
import { endpoint } from '../endpoint.ts';
import { bytes, errorBody, id, noBody, nothing } from '../fields.ts';
import { diskKey, snapshotRef } from './fields.ts';

const ofHash = z.strictObject({ id });

const hash = z.object({
  id,
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  bytes_done: bytes,
  /** Of the whole disk; null while it runs, and where chunks were asked for. */
  sha256: z.string().nullable(),
  manifest_root: z.string().nullable(),
  /** Of the chunks, in their order. */
  digests: z.array(z.string()).nullable(),
  error: errorBody.nullable(),
});
export type VmaHash = z.infer<typeof hash>;

export const startHash = endpoint({
  id: 'vma.start-hash',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/hashes',
  summary: 'Read a disk at its source and hash it: all of it, or chunks of 4 MiB. The same id again is the same work',
  status: 201,
  handshake: true,
  params: nothing,
  query: nothing,
  body: z.strictObject({
    id,
    vm_id: id,
    disk_key: diskKey,
    snapshot: snapshotRef,
    bytes: z.int().min(1),
    /** Sorted, unique; null: the whole disk. */
    chunks: z.array(z.int().min(0)).min(1).nullable(),
  }),
  reply: hash,
  errors: [
    'INVALID_REQUEST',
    'NOT_FOUND',
    'UNKNOWN_DISK',
    'SNAPSHOT_NOT_OURS',
    'IDEMPOTENCY_KEY_REUSED',
    'VCENTER_UNREACHABLE',
    'PROTOCOL_MISMATCH',
  ],
});

export const getHash = endpoint({
  id: 'vma.get-hash',
  tag: 'VMA',
  method: 'GET',
  path: '/api/v1/hashes/:id',
  summary: 'How far it is, or its result; 404 also for one that an earlier start of this VMA knew',
  status: 200,
  params: ofHash,
  query: nothing,
  body: noBody,
  reply: hash,
  errors: ['NOT_FOUND', 'PROTOCOL_MISMATCH'],
});

export const stopHash = endpoint({
  id: 'vma.stop-hash',
  tag: 'VMA',
  method: 'DELETE',
  path: '/api/v1/hashes/:id',
  summary: 'Stop the reading, or forget the result; answers when its programs are dead',
  status: 200,
  handshake: true,
  params: ofHash,
  query: nothing,
  body: noBody,
  reply: z.object({ id }),
  errors: ['NOT_FOUND', 'PROTOCOL_MISMATCH'],
});
