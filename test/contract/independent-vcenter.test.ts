import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listWithGovmomi, startVcsim, type Vcsim } from '../fixtures/vcsim.ts';

describe('a vCenter and a client of it that others wrote', () => {
  let vcsim: Vcsim;
  beforeAll(async () => {
    vcsim = await startVcsim({ vms: 3, poweredOn: false, diskBytes: 4 * 2 ** 20 });
  });
  afterAll(() => vcsim.stop());

  test('the client lists each VM of the vCenter with its disk and its NIC', async () => {
    const vms = await listWithGovmomi(vcsim);
    expect(vms).toHaveLength(3);
    expect(vms).toContainEqual(
      expect.objectContaining({
        name: 'DC0_C0_RP0_VM1',
        folder_path: '/DC0/vm',
        datacenter: 'DC0',
        power_state: 'off',
        firmware: 'bios',
        disks: [
          expect.objectContaining({
            unit: 'SCSI (0:0)',
            capacity_bytes: 4 * 2 ** 20,
            datastore: 'LocalDS_0',
            vmdk_path: '[LocalDS_0] DC0_C0_RP0_VM1/disk1.vmdk',
          }) as unknown,
        ],
        nics: [expect.objectContaining({ adapter: 'e1000', network: 'DC0_DVPG0' }) as unknown],
      }),
    );
  });

  test('another certificate or another password: nothing is listed', async () => {
    await expect(listWithGovmomi({ ...vcsim, certificateSha256: '0'.repeat(64) })).rejects.toThrow(
      `the certificate is ${vcsim.certificateSha256}, not 000`,
    );
    await expect(listWithGovmomi({ ...vcsim, password: 'pass' })).rejects.toThrow('Login failure');
  });

  test('the bytes of a disk are served to its user only', async () => {
    const bytes = randomBytes(4 * 2 ** 20);
    writeFileSync(join(vcsim.datastoreFolders['LocalDS_0'] ?? '', 'DC0_C0_RP0_VM0/disk1-flat.vmdk'), bytes);
    const url = `${new URL(vcsim.url).origin}/folder/DC0_C0_RP0_VM0/disk1-flat.vmdk?dcPath=DC0&dsName=LocalDS_0`;
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    const read = async (password: string | null) => {
      const basic = Buffer.from(`${vcsim.username}:${password ?? ''}`).toString('base64');
      const headers = { range: 'bytes=1000-1999', ...(password === null ? {} : { authorization: `Basic ${basic}` }) };
      const { statusCode, body } = await request(url, { dispatcher, headers });
      return { statusCode, bytes: Buffer.from(await body.arrayBuffer()) };
    };
    expect(await read(vcsim.password)).toEqual({ statusCode: 206, bytes: bytes.subarray(1000, 2000) });
    expect(await read(null)).toMatchObject({ statusCode: 401 });
    expect(await read('wrong')).toMatchObject({ statusCode: 401 });
    await dispatcher.close();
  });
});

test('a vCenter that is started again at its address has another certificate, and leaves nothing behind', async () => {
  const first = await startVcsim();
  await first.stop();
  expect(existsSync(first.datastoreFolders['LocalDS_0'] ?? '')).toBe(false);
  const second = await startVcsim({ port: Number(new URL(first.url).port) });
  try {
    expect(second.url).toBe(first.url);
    expect(second.certificateSha256).not.toBe(first.certificateSha256);
    await second.endSessions();
    expect(await listWithGovmomi(second)).toHaveLength(2);
  } finally {
    await second.stop();
  }
});
