import { watch, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { asAppError } from '../../../shared/errors.ts';

const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

test('no space for a file of ours is DATA_DIR_FULL, which is waited out, and no unknown condition', () => {
  const error = asAppError(thrownBy(() => writeFileSync('/dev/full', 'x')));
  expect(error).toMatchObject({ code: 'DATA_DIR_FULL', reason: expect.stringContaining('ENOSPC') as string });
});

test('what else the system says stays an unknown condition, with its words', () => {
  const error = asAppError(thrownBy(() => watch('/nonexistent')));
  expect(error).toMatchObject({ code: 'INTERNAL', reason: expect.stringContaining('ENOENT') as string });
});
