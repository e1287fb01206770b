// In the original, the mover of several disks was started without Wait: its death went unseen, zombies and open logs stayed.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { smallVm, writeSmallVm } from '../fixtures/small-vm.ts';
import { migrate } from '../fixtures/steer.ts';

const own = ownDaemon({ segment_mib: 8, parallel_transfers: 3 });
beforeAll(() => {
  writeSmallVm(own.dir);
});

/** Children of the daemon, dead ones that nobody has waited for among them. */
const children = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(own.daemon.pid);
      } catch (error) {
        if ((error as { code?: string }).code === 'ENOENT' || (error as { code?: string }).code === 'ESRCH')
          return false;
        throw error;
      }
    })
    .map(Number);

const openFiles = (): string[] => {
  const folder = `/proc/${String(own.daemon.pid)}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return [];
      throw error;
    }
  });
};

test('three disks in nine segments: no child is left but those that were there before, and no file of a run is open', async () => {
  const before = children();
  expect(await migrate(own.daemon, smallVm.name)).toMatchObject({ status: 'completed', proof: 'full' });
  const logs = readdirSync(join(own.dir, 'movers/runs'), { recursive: true });
  expect(logs.filter((name) => String(name).endsWith('.nbdcopy.log'))).toHaveLength(9);
  await eventually(() => children().length === before.length, 'every other child has been waited for');
  expect(children()).toEqual(before);
  expect(openFiles().filter((path) => /\/(movers|hasher|manifests|nbd)\//.test(path))).toEqual([]);
});
