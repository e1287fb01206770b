import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  faultIn,
  firstIn,
  type HttpsAnswer,
  httpsExchange,
  type LabVcenter,
  propertiesOf,
  rawSoap,
  type Soap,
  startLabVcenter,
} from '../fixtures/lab-vcenter.ts';
import { eventually } from '../fixtures/real-clock.ts';

let vcenter: LabVcenter;
let soap: Soap;
let scratch: string;

beforeAll(async () => {
  vcenter = await startLabVcenter();
  soap = rawSoap(vcenter);
  scratch = join(vcenter.dir, 'scratch');
  mkdirSync(scratch);
});
afterAll(() => vcenter.remove());
beforeEach(async () => {
  await vcenter.control('DELETE faults');
  await soap.logIn();
});

const fileUrl = (path: string, datastore = 'vmfs-01'): string => {
  const parts = path.split('/').map(encodeURIComponent).join('/');
  return `${new URL(vcenter.file().vcenter.url).origin}/folder/${parts}?dcPath=DC-Lab&dsName=${datastore}`;
};

const basic = (password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${vcenter.file().vcenter.username}:${password}`).toString('base64')}`,
});

const read = (path: string, headers: Record<string, string> = {}): Promise<HttpsAnswer> =>
  httpsExchange(fileUrl(path), { headers: { ...basic(vcenter.file().vcenter.password), ...headers } });

const imageOf = (name: string): Buffer => readFileSync(join(vcenter.dir, 'images', name));

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}

describe('the files of a datastore', () => {
  test('are served to a session and to a password, and to nobody else', async () => {
    const url = fileUrl('odd-01/odd-01-flat.vmdk');
    const head = async (headers: Record<string, string>): Promise<number> =>
      (await httpsExchange(url, { method: 'HEAD', headers })).status;
    expect(await head({})).toBe(401);
    expect(await head(basic('wrong'))).toBe(401);
    expect(await head({ cookie: 'vmware_soap_session=0123' })).toBe(401);
    expect(await head(basic(vcenter.file().vcenter.password))).toBe(200);
    expect(await head({ cookie: soap.cookie ?? '' })).toBe(200);
    expect(await head({ cookie: (soap.cookie ?? '').replaceAll('"', '') })).toBe(200);
    await vcenter.control('POST vcenter/privileges', { denied: ['Datastore.Browse'] });
    expect(await head({ cookie: soap.cookie ?? '' })).toBe(403);
    await vcenter.control('POST vcenter/privileges', { denied: [] });
  });

  test('are the bytes of the disks, whole and in ranges', async () => {
    const bytes = imageOf('odd-01-disk1.raw');
    const path = 'odd-01/odd-01-flat.vmdk';
    const whole = await read(path);
    expect([whole.status, whole.headers['content-length'], whole.headers['accept-ranges']]).toEqual([
      200,
      String(bytes.length),
      'bytes',
    ]);
    expect(whole.body.equals(bytes)).toBe(true);
    const some = await read(path, { range: 'bytes=1000-2023' });
    expect([some.status, some.headers['content-range']]).toEqual([206, `bytes 1000-2023/${bytes.length}`]);
    expect(some.body.equals(bytes.subarray(1000, 2024))).toBe(true);
    expect((await read(path, { range: 'bytes=-512' })).body.equals(bytes.subarray(-512))).toBe(true);
    expect((await read(path, { range: `bytes=${bytes.length - 10}-${bytes.length + 10}` })).body).toHaveLength(10);
    const past = await read(path, { range: `bytes=${bytes.length}-` });
    expect([past.status, past.headers['content-range']]).toEqual([416, `bytes */${bytes.length}`]);
  });

  test('are found under odd names, too, with a descriptor beside them', async () => {
    expect((await read("Größe 42 & O'Brien/Größe 42-flat.vmdk", { range: 'bytes=0-0' })).status).toBe(206);
    expect((await read('web_app 100% + test/web_app-flat.vmdk', { range: 'bytes=0-0' })).status).toBe(206);
    expect((await read('odd-01/odd-01.vmdk')).body.toString()).toContain('RW 131073 VMFS "odd-01-flat.vmdk"');
  });

  test('that are not there, or not files, are not found', async () => {
    for (const path of [
      'odd-01/none-flat.vmdk',
      '../lab.json',
      'rdm-01/rdm-01_1-flat.vmdk',
      'chain-01/chain-01-000001-flat.vmdk',
    ]) {
      expect([path, (await read(path)).status]).toEqual([path, 404]);
    }
    const headers = basic(vcenter.file().vcenter.password);
    const vsan = fileUrl('5f3c8a62-10d4-77e1-9a2b-0050560a1b2c/vsan-01-flat.vmdk', 'vsanDatastore');
    expect((await httpsExchange(vsan, { headers })).status).toBe(404);
    expect((await httpsExchange(fileUrl('odd-01/odd-01-flat.vmdk').replace('DC-Lab', 'DC0'), { headers })).status).toBe(
      404,
    );
  });

  test('of a running VM change under the reader, or are locked when the lab is told so', async () => {
    const path = 'live-cbt-01/live-cbt-01-flat.vmdk';
    expect((await read(path, { range: 'bytes=0-0' })).status).toBe(206);
    await vcenter.control('POST settings', { vc_lock_running_disks: true });
    expect((await read(path, { range: 'bytes=0-0' })).status).toBe(500);
    await vcenter.control('POST settings', { vc_lock_running_disks: false });
  });

  test('of a chain hold what the first snapshot froze', async () => {
    const base = await read('chain-01/chain-01-flat.vmdk');
    expect(base.status).toBe(200);
    const live = readFileSync(await currentFile('chain-01'));
    expect(base.body).toHaveLength(live.length);
    expect(base.body.equals(live)).toBe(false);
  });
});

/** The lab says where the bytes lie when it changes nothing but their size by nothing. */
async function currentFile(vm: string): Promise<string> {
  const { disks } = await vcenter.control<{ disks: { path: string }[] }>(`POST vcenter-vms/${vm}/mutate`, {
    bytes: 1,
    extents: 1,
    seed: 3,
  });
  return disks[0]?.path ?? '';
}

test('a reader can meet a 503, or a VM that somebody edits meanwhile', async () => {
  const path = 'big-01/big-01-flat.vmdk';
  const version = (): Promise<string> => propertiesOf(soap, 'VirtualMachine:vm-105', ['config.changeVersion']);
  await vcenter.control('POST faults', { fault: 'vc-folder-503', value: 5000, match: { name: 'big-01' } });
  expect((await read(path, { range: 'bytes=0-4095' })).status).toBe(206);
  expect((await read(path, { range: 'bytes=4096-8191' })).status).toBe(503);
  expect((await read(path, { range: 'bytes=4096-8191' })).status).toBe(206);
  const before = await version();
  await vcenter.control('POST faults', { fault: 'vc-folder-reconfigured', match: { vm_id: 'vm-105' } });
  expect((await read(path, { range: 'bytes=0-0' })).status).toBe(206);
  expect(await version()).not.toBe(before);
});

describe('nbdkit and nbdcopy, which others wrote, over the files', () => {
  type Source = { readonly url: string; readonly options?: readonly string[] };

  async function copy({ url, options = [] }: Source, to: string): Promise<{ code: number; said: string }> {
    const run = join(scratch, `run-${Math.random().toString(36).slice(2)}`);
    mkdirSync(run);
    writeFileSync(join(run, 'password'), vcenter.file().vcenter.password, { mode: 0o600 });
    const user =
      options.length > 0 ? options : [`user=${vcenter.file().vcenter.username}`, `password=+${join(run, 'password')}`];
    const socket = join(run, 'sock');
    const args = ['-f', '-U', socket, '-P', join(run, 'pid'), '-r', 'curl', `url=${url}`, 'sslverify=false', ...user];
    const nbdkit = spawn('nbdkit', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    nbdkit.stderr.on('data', (part: Buffer) => {
      said += part.toString();
    });
    const ended = once(nbdkit, 'exit');
    try {
      await eventually(() => existsSync(join(run, 'pid')), 'nbdkit serves');
      const copied = await promisify(execFile)('nbdcopy', [`nbd+unix:///?socket=${socket}`, to]).then(
        () => 0,
        (error: unknown) => (error as { code: number }).code,
      );
      return { code: copied, said };
    } finally {
      nbdkit.kill('SIGTERM');
      await ended;
      rmSync(run, { recursive: true, force: true });
    }
  }

  test.each(['pgtest2', 'odd-01'])('a copy of %s has the hash of its image', async (name) => {
    const to = join(scratch, `${name}.raw`);
    expect(await copy({ url: fileUrl(`${name}/${name}-flat.vmdk`) }, to)).toMatchObject({ code: 0 });
    expect(await sha256(to)).toBe(await sha256(join(vcenter.dir, 'images', `${name}-disk1.raw`)));
  });

  test('a disk whose image is qcow2 is served raw', async () => {
    const to = join(scratch, 'second.raw');
    const cookie = (soap.cookie ?? '').replaceAll('"', '');
    expect(
      await copy({ url: fileUrl('PGWINTESTBIOS/PGWINTESTBIOS_1-flat.vmdk'), options: [`cookie=${cookie}`] }, to),
    ).toMatchObject({ code: 0 });
    const raw = join(scratch, 'expected.raw');
    await promisify(execFile)('qemu-img', [
      'convert',
      '-O',
      'raw',
      join(vcenter.dir, 'images/PGWINTESTBIOS-disk2.qcow2'),
      raw,
    ]);
    expect(await sha256(to)).toBe(await sha256(raw));
  });

  test('when the session ends in mid-copy, the copy fails and nbdkit says 401', async () => {
    await vcenter.control('POST faults', {
      fault: 'vc-folder-401',
      value: 64 * 2 ** 20,
      count: 1000,
      match: { name: 'pgtest2' },
    });
    const { code, said } = await copy({ url: fileUrl('pgtest2/pgtest2-flat.vmdk') }, join(scratch, 'cut.raw'));
    expect([code === 0, said.includes('401')]).toEqual([false, true]);
    expect(faultIn(await soap.call('CurrentTime', 'ServiceInstance:ServiceInstance'))).toBe('NotAuthenticated');
  });

  test('when the connection is cut in mid-copy, the copy fails', async () => {
    await vcenter.control('POST faults', {
      fault: 'vc-folder-cut',
      value: 64 * 2 ** 20,
      count: 1000,
      match: { name: 'pgtest2' },
    });
    expect((await copy({ url: fileUrl('pgtest2/pgtest2-flat.vmdk') }, join(scratch, 'cut.raw'))).code).not.toBe(0);
  });

  test('when the VM is switched on in mid-copy, the copy succeeds and is wrong: only the VM tells', async () => {
    const facts = ['runtime.powerState', 'config.changeVersion'];
    const before = await propertiesOf(soap, 'VirtualMachine:vm-103', facts);
    await vcenter.control('POST faults', {
      fault: 'vc-folder-power-on',
      value: 64 * 2 ** 20,
      match: { name: 'db-01' },
    });
    const to = join(scratch, 'db.raw');
    expect(await copy({ url: fileUrl('db-01/db-01_1-flat.vmdk') }, to)).toMatchObject({ code: 0 });
    const after = await propertiesOf(soap, 'VirtualMachine:vm-103', facts);
    expect(after).toContain('poweredOn');
    expect(after).not.toBe(before);
    expect(firstIn(after, 'val')).not.toBe(firstIn(before, 'val'));
    expect((await read('db-01/db-01_1-flat.vmdk')).body.equals(readFileSync(to))).toBe(false);
  });
});
