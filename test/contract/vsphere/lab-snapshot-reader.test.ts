import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSourceReader } from '../../../main/adapters/processes/source-reader.ts';
import { readCertificate } from '../../../main/adapters/vsphere/certificate.ts';
import { frozenBytes } from '../../../main/adapters/vsphere/source/frozen-bytes.ts';
import type { SnapshotDisk } from '../../../main/domain/vm.ts';
import type { VmSpec } from '../../../main/domain/vm-spec.ts';
import type { Vcenter } from '../../../main/ports/vcenter.ts';
import { httpsExchange } from '../../fixtures/lab-vcenter.ts';
import { noDatastores } from '../../fixtures/no-datastores.ts';
import { realClock } from '../../fixtures/real-clock.ts';
import { type MemoryLedger, memoryLedger, openVcenter, within } from './open-vcenter.ts';
import { type LabVcenter, siteOf, startLabVcenter } from './vcenters.ts';

const mib = 1024 ** 2;

describe('a snapshot of a running VM of the lab', () => {
  let lab: LabVcenter;
  let vcenter: Vcenter;
  let vm: VmSpec;
  let ledger: MemoryLedger;
  let scratch: string;
  beforeAll(async () => {
    lab = await startLabVcenter();
    vcenter = openVcenter(lab);
    vm = (await vcenter.listVms(within())).find(({ name }) => name === 'live-cbt-01')!;
    ledger = memoryLedger();
  });
  afterAll(async () => {
    await vcenter.close();
    await lab.stop();
  });
  beforeEach(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'ossea-frozen-'));
    await lab.control('DELETE faults');
  });
  afterEach(() => {
    rmSync(scratch, { recursive: true });
  });

  const mutate = async (): Promise<string> => {
    const { disks } = (await lab.control(`POST vcenter-vms/${vm.moRef}/mutate`, { bytes: mib })) as {
      disks: { path: string }[];
    };
    return disks[0]!.path;
  };
  const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
  const freeze = async (id: string): Promise<SnapshotDisk> => {
    const wanted = { vm: vm.moRef, id, description: '', quiesce: true, ledger };
    const { moRef: snapshotMoRef } = await vcenter.takeSnapshot(wanted, within());
    const [disk] = await vcenter.snapshotDisks(snapshotMoRef, within());
    return {
      path: disk!.vmdkPath!,
      format: 'snapshot',
      siteId: 'site-1',
      vmMoRef: vm.moRef,
      snapshotMoRef,
      diskKey: disk!.key,
      capacityBytes: disk!.capacityBytes,
      reader: 'lab',
    };
  };
  const thaw = (id: string): Promise<void> => vcenter.removeSnapshot({ vm: vm.moRef, id, ledger }, within());
  const access = () => ({
    ...noDatastores,
    enter: () => Promise.resolve(() => undefined),
    ...frozenBytes({
      site: siteOf(lab),
      vcenter,
      certificatePem: async (options) => (await readCertificate(lab.url, { clock: realClock, ...options })).pem,
      libdir: () => Promise.resolve(null),
    }),
  });
  const read = async (source: SnapshotDisk): Promise<string> => {
    const logPath = join(scratch, 'log');
    const request = { source, folder: scratch, logPath, clients: 1, clock: realClock, datastores: access() };
    const reader = await startSourceReader(request, within());
    try {
      const to = join(scratch, 'read.raw');
      await promisify(execFile)('nbdcopy', ['--', `nbd+unix:///?socket=${reader.socketPath}`, to]);
      return sha256(to);
    } finally {
      await reader.stop();
    }
  };

  test('reads as it was when it was taken, whatever the guest has written since', async () => {
    const before = sha256(await mutate());
    const frozen = await freeze('frozen');
    const after = sha256(await mutate());
    expect(after).not.toBe(before);
    expect(await read(frozen)).toBe(before);
    await thaw('frozen');
  });

  test.each(['vc-snapshot-read-401', 'vc-snapshot-read-503', 'vc-snapshot-read-cut'])(
    '%s in mid-read: it is read again, and is whole',
    async (fault) => {
      const bytes = sha256(await mutate());
      const frozen = await freeze(fault);
      await lab.control('POST faults', { fault, value: 4 * mib, match: { vm_id: vm.moRef } });
      expect(await read(frozen)).toBe(bytes);
      const { faults } = (await lab.control('GET state')) as { faults: unknown[] };
      expect(faults).toEqual([]);
      await thaw(fault);
    },
  );

  test('is served to a session alone, and is gone with the snapshot', async () => {
    const frozen = await freeze('gone');
    const { url, sessionCookie } = await access().locate(frozen, within());
    const cookie = await sessionCookie(within());
    const head = async (at: string, headers: Record<string, string>): Promise<number> =>
      (await httpsExchange(at, { method: 'HEAD', headers })).status;
    expect(await head(url, {})).toBe(401);
    expect(await head(url, { cookie })).toBe(200);
    expect(await head(url.replace(/\d+$/, '9'), { cookie })).toBe(404);
    await lab.control('POST vcenter/privileges', { denied: ['VirtualMachine.Provisioning.DiskRandomRead'] });
    expect(await head(url, { cookie })).toBe(403);
    await lab.control('POST vcenter/privileges', { denied: [] });
    await thaw('gone');
    expect(await head(url, { cookie })).toBe(404);
    await expect(read(frozen)).rejects.toThrow('nbdcopy');
  });
});
