import { AppError } from '../../../shared/errors.ts';
import { type Check, failed, passed } from '../facts.ts';

export const recordsCanBeKept: Check = {
  id: 'records-kept',
  title: 'The data directory takes records',
  judge: ({ stalled }) => (stalled === null ? passed('yes') : failed(new AppError('DATA_DIR_FULL', stalled))),
};
