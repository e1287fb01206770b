import { AppError } from '../../../shared/errors.ts';
import type { Manifest } from '../../ports/manifests.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { Tx } from '../../ports/store.ts';
import type { CopyContext } from './copy-disk.ts';
import { replicaOf } from './disk-of.ts';
import type { CopyPlan } from './plan-copy.ts';

/** It could be copied when the copy began: a VM that runs now, or has a snapshot now, is one that changed (rule M7). */
function orChanged(thrown: unknown): never {
  if (!(thrown instanceof AppError) || thrown.code !== 'VM_STATE') throw thrown;
  throw new AppError('SOURCE_CHANGED', thrown.reason ?? thrown.message, thrown.details);
}

export async function requireUnchanged(
  { parts, request }: CopyContext,
  { fingerprint }: CopyPlan,
  options: Signalled,
): Promise<void> {
  const now = await parts.sources.state(request.disk, options).catch(orChanged);
  if (now.fingerprint === fingerprint) return;
  throw new AppError('SOURCE_CHANGED', `${request.disk.image.path} is not what it was when the copy began.`);
}

/** null: it cannot be told. */
export function differingChunks(source: Manifest | null, target: Manifest | null): readonly number[] | null {
  if (source === null || target?.digests.length !== source.digests.length) return null;
  return source.digests.flatMap((digest, index) => (digest === target.digests[index] ? [] : [index]));
}

/** Somebody has to hear of it: what was proved before has changed by itself, or changes were kept from us. */
export async function warnOfDifference({ parts, request }: CopyContext, tx: Tx, because: string): Promise<void> {
  await parts.rows.replicas.makeVoid(tx, replicaOf(request), because);
  await parts.rows.events.append(tx, {
    type: 'log.line',
    level: 'warn',
    job_id: request.job_id,
    message: `${request.disk.label} is copied in full: ${because}`,
    fields: { volume_id: request.volume_id, disk_key: request.disk.key },
  });
}
