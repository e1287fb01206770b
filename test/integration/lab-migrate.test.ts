import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { osseaPath } from '../fixtures/daemon-process.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';

type Document = {
  readonly jobs: readonly (Pick<Migration, 'status' | 'proof' | 'disks' | 'error'> & { vm: string })[];
};

const run = promisify(execFile);
const nobody = 65534;

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'ossea-data-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

async function labMigrate(
  vms: readonly string[],
  options: { uid?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Document> {
  const { stdout } = await run(process.execPath, [osseaPath, 'lab', 'migrate', ...vms, '--json', '--data-dir', dir], {
    env: { ...process.env, ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  return JSON.parse(stdout) as Document;
}

function expectProved(document: Document): void {
  for (const job of document.jobs) {
    expect(job.error).toBeNull();
    expect(job).toMatchObject({ status: 'completed', proof: 'full' });
    const asMigration = { ...job, vm_name: job.vm } as unknown as Migration;
    const ends = readBothEnds(dir, asMigration);
    for (const [index, disk] of job.disks.entries()) {
      expect(disk.export_name).toBe(`migration-vol-${String(disk.volume_id)}`);
      expect(disk.manifest_root).toMatch(/^[0-9a-f]{64}$/);
      expect(disk.bytes_copied).toBe(disk.bytes_total);
      expect(disk.evidence?.kind).toBe('serial');
      expect(ends[index]).toEqual({ source: disk.source_sha256, target: disk.target_sha256, tailIsZero: true });
      expect(disk.source_sha256).toBe(disk.target_sha256);
    }
  }
}

describe('one command migrates VMs of the lab with proof', () => {
  test('four VMs, seven disks, with the default headroom; an outside hash of both ends agrees', async () => {
    const document = await labMigrate(['pgtest2', 'PGWINTESTBIOS', 'db-01', 'odd-01']);
    expect(document.jobs.map((job) => job.vm).sort()).toEqual(['PGWINTESTBIOS', 'db-01', 'odd-01', 'pgtest2']);
    expectProved(document);
    expect(leftovers(dir)).toEqual([]);
  });

  test.skipIf(process.getuid?.() !== 0)('the same as an ordinary user, on files instead of loop devices', async () => {
    chmodSync(dir, 0o777);
    const document = await labMigrate(['pgtest2'], { uid: nobody, env: { HOME: '' } });
    expectProved(document);
    expect(document.jobs[0]?.disks[0]?.device_path).toMatch(/^\/dev\/vd/);
    expect(leftovers(dir)).toEqual([]);
  });
});
