import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../architecture/repository.ts';
import { controlLab } from '../fixtures/cloud-of-lab.ts';
import { bundleLab, startLabProcess } from '../fixtures/lab-process.ts';
import { type LabVcenter, propertiesOf, rawSoap, startLabVcenter, taskOf } from '../fixtures/lab-vcenter.ts';
import { eventually } from '../fixtures/real-clock.ts';

type Mutated = {
  readonly disks: readonly {
    readonly path: string;
    readonly extents: readonly { readonly offset: number; readonly length: number }[];
  }[];
};

describe('a lab that is killed', () => {
  test('in the middle of a snapshot has either all of it or nothing, and its bytes are those of now', async () => {
    const program = await bundleLab();
    const dir = realpathSync(mkdtempSync(join(tmpdir(), 'ossea-lab-')));
    let lab = await startLabProcess(program, dir, { devices: 'file' });
    const killed = rawSoap({ file: () => lab.file });
    const control = (call: `POST ${string}`, body: object): Promise<Mutated> =>
      controlLab<Mutated>(lab.file, call, body);
    try {
      await killed.logIn();
      const order = '<name>sync</name><memory>false</memory><quiesce>false</quiesce>';
      const frozen = (): string[] => readdirSync(join(dir, 'vcenter/frozen'));
      await killed.call('CreateSnapshot_Task', 'VirtualMachine:vm-134', order);
      await eventually(() => frozen().length > 0, 'bytes are frozen');
      await lab.kill();
      lab = await startLabProcess(program, dir, { devices: 'file' });
      await killed.logIn();
      const recorded = (await propertiesOf(killed, 'VirtualMachine:vm-134', ['snapshot'])).includes('rootSnapshotList');
      expect(frozen()).toHaveLength(recorded ? 2 : 0);

      const { disks } = await control('POST vcenter-vms/vm-134/mutate', { bytes: 8192, extents: 2, seed: 6 });
      const { result } = await taskOf(killed, killed.call('CreateSnapshot_Task', 'VirtualMachine:vm-134', order));
      const number = result.replace('snapshot-', '');
      const file = frozen().find((name) => name.endsWith(`-2000-${number}.raw`)) ?? '';
      expect(readFileSync(join(dir, 'vcenter/frozen', file)).equals(readFileSync(disks[0]?.path ?? ''))).toBe(true);
    } finally {
      await lab.stop();
      program.remove();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('ossea lab mutate', () => {
  let vcenter: LabVcenter;
  beforeAll(async () => {
    vcenter = await startLabVcenter();
  });
  afterAll(() => vcenter.remove());

  const ossea = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    await runProgram(
      process.execPath,
      [join(import.meta.dirname, '../../dist/ossea.cjs'), 'lab', 'mutate', ...args, '--dir', vcenter.dir],
      vcenter.dir,
    );

  test('changes what it says it changed, the same for the same seed, and leaves the image alone', async () => {
    const image = readFileSync(join(vcenter.dir, 'images/odd-01-disk1.raw'));
    const one = await ossea('odd-01', '--bytes', '4096', '--extents', '2', '--seed', '5', '--json');
    expect(one).toMatchObject({ code: 0, stderr: '' });
    const { disks } = JSON.parse(one.stdout) as Mutated;
    const after = readFileSync(disks[0]?.path ?? '');
    for (const { offset, length } of disks[0]?.extents ?? []) {
      expect(after.subarray(offset, offset + length).equals(image.subarray(offset, offset + length))).toBe(false);
    }
    expect(disks[0]?.extents).toHaveLength(2);
    expect((await ossea('odd-01', '--bytes', '4096', '--extents', '2', '--seed', '5', '--json')).stdout).toBe(
      one.stdout,
    );
    expect(readFileSync(disks[0]?.path ?? '').equals(after)).toBe(true);
    expect(readFileSync(join(vcenter.dir, 'images/odd-01-disk1.raw')).equals(image)).toBe(true);
  });

  test('refuses a name that two VMs have, and one that none has', async () => {
    expect((await ossea('app-01')).stderr).toContain('vm-130 and vm-131');
    expect((await ossea('nobody')).stderr).toContain('NOT_FOUND');
  });
});
