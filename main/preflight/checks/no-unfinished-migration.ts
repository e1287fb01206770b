import { AppError } from '../../../shared/errors.ts';
import { type Check, failed, passed } from '../facts.ts';

export const noUnfinishedMigration: Check = {
  id: 'no-unfinished-migration',
  title: 'No other migration of this VM is unfinished',
  judge: ({ unfinishedMigration: id }) =>
    id === null ? passed('none') : failed(new AppError('VM_ACTIVE', `Migration ${id}.`, { migration_id: id })),
};
