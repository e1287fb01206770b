import { errorBody } from '../../../shared/contract/fields.ts';
import {
  type Migration,
  type MigrationDisk,
  migration,
  type Phase,
  phases,
} from '../../../shared/contract/migrations.ts';
import { json, number, numberOrNull, text, textOrNull } from './columns.ts';
import type { Row } from './database.ts';

function diskDocument(row: Row): MigrationDisk {
  return {
    key: number(row, 'disk_key'),
    label: text(row, 'label'),
    capacity_bytes: number(row, 'capacity_bytes'),
    phase: text(row, 'phase') as Phase,
    volume_id: textOrNull(row, 'volume_id'),
    volume_name: textOrNull(row, 'volume_name'),
    volume_bytes: numberOrNull(row, 'volume_bytes'),
    reused: number(row, 'reused') === 1,
    device_path: textOrNull(row, 'device_path'),
    evidence: json(row, 'evidence') as MigrationDisk['evidence'],
    export_name: textOrNull(row, 'export_name'),
    bytes_total: number(row, 'bytes_total'),
    bytes_copied: number(row, 'bytes_copied'),
    rate_bytes_per_second: null,
    segments_total: number(row, 'segments_total'),
    segments_done: number(row, 'segments_done'),
    segments_resent: number(row, 'segments_resent'),
    source_sha256: textOrNull(row, 'source_sha256'),
    target_sha256: textOrNull(row, 'target_sha256'),
    manifest_root: textOrNull(row, 'manifest_root'),
    reader: textOrNull(row, 'reader'),
    mode: textOrNull(row, 'mode') as MigrationDisk['mode'],
    full_because: textOrNull(row, 'full_because'),
    bytes_changed: numberOrNull(row, 'bytes_changed'),
    chunks_read: numberOrNull(row, 'chunks_read'),
    chunks_carried: numberOrNull(row, 'chunks_carried'),
    carried_from: textOrNull(row, 'carried_from'),
    mover: textOrNull(row, 'mover'),
    mover_because: textOrNull(row, 'mover_because'),
  };
}

const sum = (disks: readonly MigrationDisk[], field: 'bytes_total' | 'bytes_copied'): number =>
  disks.reduce((total, disk) => total + disk[field], 0);

export function migrationDocument(job: Row, disks: readonly Row[]): Migration {
  const parts = disks.map(diskDocument);
  return migration.parse({
    id: text(job, 'id'),
    vm_id: text(job, 'source_vm_id'),
    vm_name: text(job, 'vm_name'),
    status: text(job, 'status'),
    reason: textOrNull(job, 'reason'),
    phase: text(job, 'phase'),
    timeline: json(job, 'timeline'),
    proof: textOrNull(job, 'proof'),
    bytes_total: sum(parts, 'bytes_total'),
    bytes_copied: sum(parts, 'bytes_copied'),
    rate_bytes_per_second: null,
    limit_mib_per_second: numberOrNull(job, 'limit_mib_per_second'),
    eta_seconds: null,
    error: job['error'] === null ? null : errorBody.parse(json(job, 'error')),
    left_behind: json(job, 'left_behind'),
    cancel_requested: number(job, 'cancel_requested') === 1,
    created_at: text(job, 'created_at'),
    updated_at: text(job, 'updated_at'),
    completed_at: textOrNull(job, 'completed_at'),
    disks: parts,
  });
}

type Span = { phase: Phase; started_at: string; ended_at: string | null };

/** The phase of a job is that of its least advanced disk; its timeline closes one span as the next opens. */
export function advanceTimeline(timeline: readonly Span[], phase: Phase, now: string): Span[] {
  if (timeline.at(-1)?.phase === phase) return [...timeline];
  const closed = timeline.map((span) => ({ ...span, ended_at: span.ended_at ?? now }));
  return [...closed, { phase, started_at: now, ended_at: null }];
}

export const closeTimeline = (timeline: readonly Span[], now: string): Span[] =>
  timeline.map((span) => ({ ...span, ended_at: span.ended_at ?? now }));

export const leastAdvanced = (found: readonly Phase[]): Phase =>
  phases.find((phase) => found.includes(phase)) ?? 'discover';

export const isLater = (next: Phase, current: Phase): boolean => phases.indexOf(next) > phases.indexOf(current);
