import type { Handlers } from '../../shared/contract/calls.ts';
import { AppError } from '../../shared/errors.ts';
import { bytesOfMib } from '../../shared/units.ts';
import type { UsecaseParts } from './parts.ts';
import { requireMigration } from './read-migrations.ts';

export const cancelMigration =
  (parts: UsecaseParts): Handlers['cancelMigration'] =>
  async ({ params }, { actor }) => {
    const job = await requireMigration(parts, params.id);
    if (job.completed_at !== null) throw new AppError('INVALID_REQUEST', `The migration is ${job.status} already.`);
    await parts.store.write((tx) =>
      parts.rows.audit.append(tx, { actor, act: 'migration.cancel', subject: params.id, details: null }),
    );
    await parts.engine.cancel(params.id);
    return await requireMigration(parts, params.id);
  };

export const limitMigration =
  (parts: UsecaseParts): Handlers['limitMigration'] =>
  async ({ params, body }, { actor }) => {
    const job = await requireMigration(parts, params.id);
    if (job.completed_at !== null) throw new AppError('INVALID_REQUEST', `The migration is ${job.status} already.`);
    const { mib_per_second: mibPerSecond } = body;
    await parts.store.write(async (tx) => {
      await parts.rows.jobs.limitRate(tx, params.id, mibPerSecond);
      await parts.rows.audit.append(tx, { actor, act: 'migration.limit', subject: params.id, details: body });
    });
    parts.bandwidth.limitJob(params.id, bytesOfMib(mibPerSecond));
    return await requireMigration(parts, params.id);
  };

export const resumeMigration =
  (parts: UsecaseParts): Handlers['resumeMigration'] =>
  async ({ params }, { actor }) => {
    const job = await requireMigration(parts, params.id);
    if (job.status !== 'held') throw new AppError('INVALID_REQUEST', `The migration is ${job.status}, not held.`);
    await parts.store.write((tx) =>
      parts.rows.audit.append(tx, { actor, act: 'migration.resume', subject: params.id, details: null }),
    );
    await parts.engine.resume(params.id);
    return await requireMigration(parts, params.id);
  };
