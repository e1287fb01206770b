import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloneVm } from './clone.ts';
import type { VmDefinition } from './definition.ts';
import { ensureVms } from './ensure.ts';

const folder = mkdtempSync(join(tmpdir(), 'ossea-images-'));
const places = (name: string): { imagesDir: string; vmsDir: string } => ({
  imagesDir: join(folder, name, 'images'),
  vmsDir: join(folder, name, 'vms'),
});
const first = places('first');

async function make(where: ReturnType<typeof places>): Promise<void> {
  mkdirSync(where.imagesDir, { recursive: true });
  mkdirSync(where.vmsDir, { recursive: true });
  await ensureVms(where);
}

beforeAll(() => make(first));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const definition = (name: string): VmDefinition =>
  JSON.parse(readFileSync(join(first.vmsDir, `${name}.json`), 'utf8')) as VmDefinition;
const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const image = (name: string): string => join(first.imagesDir, name);

describe('the VMs of the demo environment', () => {
  test('are five, and their definitions lead to their disks', () => {
    expect(readdirSync(first.vmsDir).sort()).toEqual(
      ['PGWINTESTBIOS.json', 'big-01.json', 'db-01.json', 'odd-01.json', 'pgtest2.json'].sort(),
    );
    for (const name of ['pgtest2', 'PGWINTESTBIOS', 'db-01', 'odd-01', 'big-01']) {
      const { disks, vm_id } = definition(name);
      expect(vm_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      for (const disk of disks) expect(statSync(join(first.vmsDir, disk.file)).size).toBeGreaterThan(0);
    }
    expect(definition('PGWINTESTBIOS').disks.map(({ key, label, unit, format }) => [key, label, unit, format])).toEqual(
      [
        [2000, 'Hard disk 1', 'SCSI (0:0)', 'raw'],
        [2001, 'Hard disk 2', 'SCSI (0:1)', 'qcow2'],
      ],
    );
  });

  test('db-01 has three disks of one size and different content', () => {
    const disks = definition('db-01').disks.map((disk) => join(first.vmsDir, disk.file));
    expect(new Set(disks.map((path) => statSync(path).size))).toEqual(new Set([128 * 2 ** 20]));
    expect(new Set(disks.map(sha256)).size).toBe(3);
  });

  test('odd-01 is a multiple of 512 and not of 4096, and its last sector is not zero', () => {
    const bytes = readFileSync(image('odd-01-disk1.raw'));
    expect([bytes.length % 512, bytes.length % 4096]).toEqual([0, 512]);
    expect(bytes.subarray(-512).some((byte) => byte !== 0)).toBe(true);
  });

  test('big-01 is 4 GiB, mostly holes', () => {
    const { size, blocks } = statSync(image('big-01-disk1.raw'));
    expect(size).toBe(4 * 2 ** 30);
    expect(blocks * 512).toBeLessThan(80 * 2 ** 20);
    expect(blocks * 512).toBeGreaterThan(40 * 2 ** 20);
  });

  test.each(['pgtest2-disk1.raw', 'db-01-disk1.raw'])('%s is a sound ext4 with files', (name) => {
    expect(() => execFileSync('/sbin/e2fsck', ['-f', '-n', image(name)], { stdio: 'pipe' })).not.toThrow();
    const listing = execFileSync('/sbin/debugfs', ['-R', 'ls -l /boot', image(name)], { stdio: 'pipe' }).toString();
    expect(listing).toContain('vmlinuz');
  });

  test('are the same bytes wherever they are made, and made only once', async () => {
    const second = places('second');
    await make(second);
    for (const name of readdirSync(first.imagesDir).filter(
      (name) => !name.startsWith('big-') && name.endsWith('.raw'),
    )) {
      expect([name, sha256(join(second.imagesDir, name))]).toEqual([name, sha256(image(name))]);
    }
    const before = statSync(image('pgtest2-disk1.raw')).mtimeMs;
    await ensureVms(first);
    expect(statSync(image('pgtest2-disk1.raw')).mtimeMs).toBe(before);
    expect(readdirSync(first.imagesDir).filter((name) => /making|convert|files/.test(name))).toEqual([]);
  });
});

describe('clones', () => {
  test('have identities of their own over the same disks', async () => {
    const clones = await cloneVm(first.vmsDir, 'db-01', 2);
    expect(clones.map(({ name }) => name)).toEqual(['db-01-2', 'db-01-3']);
    expect((await cloneVm(first.vmsDir, 'db-01', 1)).map(({ name }) => name)).toEqual(['db-01-4']);
    const all = ['db-01', 'db-01-2', 'db-01-3', 'db-01-4'].map(definition);
    expect(new Set(all.map(({ vm_id }) => vm_id)).size).toBe(4);
    expect(new Set(all.map(({ nics }) => nics[0]?.mac)).size).toBe(4);
    for (const { disks } of all) expect(disks).toEqual(all[0]?.disks);
  });

  test('of what is not there are refused', async () => {
    await expect(cloneVm(first.vmsDir, '../etc/passwd', 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
