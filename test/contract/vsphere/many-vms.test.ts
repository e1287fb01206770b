import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listWithGovmomi, startVcsim, type Vcsim } from '../../fixtures/vcsim.ts';
import { within, withVcenter } from './open-vcenter.ts';
import { snakeCase } from './snake-case.ts';

describe.each([
  { vms: 1_000, pageSize: 100 },
  // All in one reply, as a server without paging sends it.
  { vms: 5_000, pageSize: 0 },
])('$vms VMs, in pages of $pageSize', ({ vms, pageSize }) => {
  let vcsim: Vcsim;
  beforeAll(async () => {
    vcsim = await startVcsim({ vms, pageSize });
  });
  afterAll(() => vcsim.stop());

  test('govmomi lists the same, field by field', async () => {
    const ours = await withVcenter(vcsim, (one) => one.listVms(within()));
    expect(ours).toHaveLength(vms);
    const theirs = await listWithGovmomi(vcsim);
    expect(theirs).toHaveLength(vms);
    const mine = [...ours].sort((a, b) => (a.moRef < b.moRef ? -1 : 1)).map(snakeCase);
    // One comparison of all would print all when one differs.
    const different = mine.flatMap((vm, index) =>
      JSON.stringify(vm, sortedKeys(vm)) === JSON.stringify(theirs[index], sortedKeys(vm)) ? [] : [[vm, theirs[index]]],
    );
    expect(different.slice(0, 3)).toEqual([]);
  });

  test('the first rows come before the last ones are sent', async () => {
    let rows = 0;
    const stop = new AbortController();
    const enough = new Error('first rows are there');
    const listing = withVcenter(vcsim, (one) =>
      one.vms(
        (page) => {
          rows += page.length;
          stop.abort(enough);
        },
        { signal: stop.signal },
      ),
    );
    await expect(listing).rejects.toBe(enough);
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThan(vms / 2);
  });
});

/** Every key of the first one, at any depth: so that both are written in one order. */
function sortedKeys(value: unknown): string[] {
  const keys = new Set<string>();
  JSON.stringify(value, (key, inside: unknown) => {
    keys.add(key);
    return inside;
  });
  return [...keys].sort();
}
