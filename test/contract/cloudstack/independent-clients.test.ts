import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, type LabFile, startLab } from '../../../main/lab/lab.ts';
import { controlLab, readLabFile } from '../../fixtures/cloud-of-lab.ts';

const PYTHON = '/usr/bin/python3';

function has(module: string): boolean {
  try {
    execFileSync(PYTHON, ['-c', `import ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const without = { cs: !has('cs'), libcloud: !has('libcloud') };

let dir: string;
let lab: Lab;
let file: LabFile;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  lab = await startLab({ dir, port: 0, log: () => undefined });
  file = readLabFile(dir);
  await controlLab(file, 'POST settings', { delay_ms: [0, 30] });
});
afterAll(async () => {
  await lab.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Not blocking: the lab answers from this very process. */
async function see(script: string, ...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(PYTHON, [join(import.meta.dirname, script), ...args], {
    env: {
      PATH: process.env['PATH'],
      LAB_ENDPOINT: `${file.url}/client/api`,
      LAB_PORT: new URL(file.url).port,
      LAB_KEY: file.api_key,
      LAB_SECRET: file.secret_key,
    },
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('clients that others wrote find a CloudStack', () => {
  test.skipIf(without.cs).each(['get', 'post'])('python3-cs by %s', async (method) => {
    expect(await see('with_cs.py', method)).toEqual({
      created: {
        name: `cs volume (${method})`,
        size: 5 * 2 ** 30,
        state: 'Allocated',
        type: 'DATADISK',
        storage: 'none',
      },
      attached: true,
      device_id: 1,
      delete_while_attached: 431,
      attach_twice: true,
      detached_has_no_vm: true,
      tags: [['owner', 'a b']],
      paged: [`cs volume (${method})`],
      deployed: ['Stopped', { rootDiskController: 'virtio' }, [true]],
      root_detached: 'DATADISK',
      start_without_root: true,
      root_swapped: ['ROOT', 0],
      started: 'Running',
      rebooted: 'Running',
      stopped: 'Stopped',
      snapshot: ['BackedUp', ['cs snapshot']],
      copy: [5 * 2 ** 30, 'Ready', true],
      resized: 6 * 2 ** 30,
      snapshot_deleted: true,
      destroyed: {},
      deleted: true,
      empty: {},
      wrong_secret: 401,
    });
  });

  test.skipIf(without.libcloud)('Apache Libcloud', async () => {
    expect(await see('with_libcloud.py')).toEqual({
      machine: {
        made: 'running',
        stopped: 'Stopped',
        listed: 'stopped',
        snapshots: [true],
        snapshot_gone: true,
        root_detached: true,
        start_without_root: expect.stringContaining('no usable volumes found for the VM') as string,
        start_with_root_as_data: expect.stringContaining('no usable volumes found for the VM') as string,
        root_back: 'ROOT',
        started: 'Running',
        rebooted: true,
        destroyed: true,
        left: null,
      },
      zone: 'lab-zone',
      size: 7,
      sizes: ['Medium'],
      images: ['debian-12'],
      networks: ['lab-net'],
      attached: true,
      attach_twice: expect.stringContaining('Please specify a volume that is not attached to any VM.') as string,
      destroy_attached: expect.stringContaining('Please specify a volume that is not attached to any VM.') as string,
      listed: [['lc volume', 7 * 2 ** 30]],
      detached: true,
      destroyed: true,
      left: [],
    });
  });
});
