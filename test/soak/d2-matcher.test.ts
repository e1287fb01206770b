import { expect, test } from 'vitest';
import { runHistories } from '../rules/d2-histories.ts';

const seed = Number(process.env['OSSEA_SEED'] ?? Date.now() % 1_000_000_000);

test(`rule D2: 1,000,000 histories of disks (OSSEA_SEED=${seed}): none wrong, and every proof that can be had is had`, () => {
  const { fault, histories, proved, confirmed } = runHistories({ seed, count: 1_000_000 });
  expect(fault).toBeNull();
  console.log(`${proved} proofs, ${confirmed} mappings found still true, in ${histories} histories`);
  expect(histories).toBe(1_000_000);
});
