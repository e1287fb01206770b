import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSourceImages } from './source-images.ts';

const MiB = 1024 * 1024;
const options = () => ({ signal: AbortSignal.timeout(30_000) });

const vm = (disks: readonly object[], more: object = {}) => ({
  vm_id: '4210b0f4-8f0c-4c1e-9c43-0a4d3bb0c101',
  name: 'pgtest2',
  cpu_count: 2,
  memory_mib: 2048,
  firmware: 'bios',
  guest_os: 'ubuntu64Guest',
  power_state: 'off',
  disks,
  nics: [{ label: 'Network adapter 1', mac: '00:50:56:aa:bb:cc', network: 'VM Network' }],
  ...more,
});
const disk = (file: string, format: string, more: object = {}) => ({
  key: 2000,
  label: 'Hard disk 1',
  unit: 'SCSI (0:0)',
  file,
  format,
  ...more,
});

describe('VM definitions over image files', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ossea-images-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const define = (name: string, definition: unknown) => {
    writeFileSync(join(dir, `${name}.json`), typeof definition === 'string' ? definition : JSON.stringify(definition));
  };
  const rawImage = (name: string, sizeBytes = 4 * MiB) => {
    const path = join(dir, name);
    writeFileSync(path, Buffer.alloc(MiB, 7));
    truncateSync(path, sizeBytes);
    return path;
  };
  const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { stdio: 'pipe' });

  test('a VM in any of the four formats is listed with the capacity of its disk', async () => {
    const raw = rawImage('a.raw', 4 * MiB + 512);
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, join(dir, 'a.qcow2'));
    qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', raw, join(dir, 'a.vmdk'));
    execFileSync('tar', ['--format=ustar', '-C', dir, '-cf', join(dir, 'a.ova'), 'a.raw', 'a.vmdk']);
    const disks = [
      disk('a.raw', 'raw'),
      disk('a.qcow2', 'qcow2', { key: 2001 }),
      disk('a.vmdk', 'vmdk', { key: 2002 }),
      disk('a.ova', 'ova', { key: 2003, member: 'a.vmdk' }),
    ];
    define('vm', vm(disks));
    const images = createSourceImages({ dir, sourceId: 'site-1' });
    const [found] = await images.list(options());
    expect(found).toMatchObject({ sourceKind: 'images', sourceId: 'site-1', name: 'pgtest2', memoryMib: 2048 });
    expect(found?.disks.map(({ capacityBytes }) => capacityBytes)).toEqual(disks.map(() => 4 * MiB + 512));
    for (const { image } of found?.disks ?? []) {
      const extents = await images.allocated(image, options());
      expect(extents.length, image.format).toBeGreaterThan(0);
      const end = Math.max(...extents.map(({ offset, length }) => offset + length));
      expect(end, image.format).toBeGreaterThanOrEqual(MiB);
      expect(end, image.format).toBeLessThan(2 * MiB);
    }
  });

  test.each([
    ['not JSON', '{', '(file)'],
    ['no disks', vm([]), 'disks'],
    ['a bad id', vm([disk('a.raw', 'raw')], { vm_id: 'x' }), 'vm_id'],
    ['a bad format', vm([disk('a.raw', 'vhdx')]), 'disks.0.format'],
    ['a file that is not there', vm([disk('b.raw', 'raw')]), 'disks.0.file'],
    ['half a sector', vm([disk('odd.raw', 'raw')]), 'disks.0.file'],
    ['an OVA without a member', vm([disk('a.raw', 'ova')]), 'disks.0.member'],
    ['two disks with one key', vm([disk('a.raw', 'raw'), disk('a.raw', 'raw')]), 'disks.1.key'],
    ['an unknown field', vm([disk('a.raw', 'raw')], { cpus: 2 }), '(file)'],
  ])('a definition with %s is one error that names file and field', async (_, definition, field) => {
    rawImage('a.raw');
    rawImage('odd.raw', 4 * MiB + 100);
    define('broken', definition);
    const listed = createSourceImages({ dir }).list(options());
    await expect(listed).rejects.toMatchObject({ code: 'INVALID_REQUEST', details: { field } });
    await expect(listed).rejects.toThrow('broken.json');
  });

  test('one id in two definitions is refused: identity is not a name', async () => {
    rawImage('a.raw');
    define('one', vm([disk('a.raw', 'raw')]));
    define('two', vm([disk('a.raw', 'raw')], { name: 'other' }));
    const listed = createSourceImages({ dir }).list(options());
    await expect(listed).rejects.toMatchObject({ details: { field: 'vm_id' } });
  });

  test('a change of the image or of its backing file changes the fingerprint; reading does not', async () => {
    const base = rawImage('base.raw');
    qemuImg('create', '-f', 'qcow2', '-F', 'raw', '-b', base, join(dir, 'top.qcow2'));
    define('vm', vm([disk('top.qcow2', 'qcow2')]));
    const images = createSourceImages({ dir });
    const [found] = await images.list(options());
    const top = found?.disks[0];
    if (top === undefined) throw new Error('no disk');
    const before = await images.state(top, options());
    readFileSync(base);
    expect(await images.state(top, options())).toEqual(before);
    writeFileSync(base, Buffer.alloc(4 * MiB, 9));
    const written = await images.state(top, options());
    expect(written).not.toEqual(before);
    // A modification time that was put back is seen by the change time.
    utimesSync(base, 1, 1);
    expect(await images.state(top, options())).not.toEqual(written);
    expect(await images.allocated(top.image, options())).toEqual([{ offset: 0, length: 4 * MiB }]);
  });
});
