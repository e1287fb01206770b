import { execFileSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { createVmaClient, type VmaClient } from '../../main/adapters/vma/client.ts';
import { createVmaMover } from '../../main/adapters/vma/mover.ts';
import type { RemoteDisk } from '../../main/domain/vm.ts';
import type { HostAccess } from '../../main/ports/host-access.ts';
import type { SegmentRequest } from '../../main/ports/mover.ts';
import { allocatedBytes, type Disk, signal } from '../fixtures/appliance.ts';
import { sha256OfFirst } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';
import { eventually, realClock } from '../fixtures/real-clock.ts';
import { newJob, vmaGround } from '../fixtures/vma-ground.ts';
import { diskIn } from '../fixtures/vma-process.ts';

const ground = vmaGround();
afterEach(() => {
  process.kill(ground.vma.pid, 'SIGCONT');
});
const diskKey = 2000;
let names = 0;

/** A disk of a VM that is off, and a volume on the appliance that it is to be copied to. */
async function ready() {
  const vm = await ground.vm('efi-secure-01');
  const [source] = vm.disks;
  if (source === undefined) throw new Error('no disk');
  const sizeBytes = source.capacity_bytes;
  const attach = (): Disk => {
    names += 1;
    return ground.oma.attach(`vdx${String.fromCharCode(96 + names)}`, sizeBytes);
  };
  const disk = attach();
  const mapping = await ground.oma.map(disk);
  const target = await ground.oma.exports.ensureOpen(mapping, signal());
  const image: RemoteDisk = {
    ...{ path: source.path, format: 'vma', siteId: 'site', vmId: vm.vm_id },
    ...{ diskKey: source.key, capacityBytes: sizeBytes, snapshotMoRef: null },
  };
  const job = newJob();
  const request = (attempt: number): SegmentRequest => ({
    ...{ source: image, sourceBytes: sizeBytes, target, mapping, attempt },
    extents: [{ offset: 0, length: sizeBytes }],
    jobId: job,
    waiting: (_reason, work) => work(),
  });
  return { disk, other: attach(), request, sizeBytes, job, mapping, target };
}

/** The mover of the OMA, with something that happens before the call of a name, or when the device tree is read. */
function moverWith({ before, onLook }: { before?: (name: string) => Promise<void>; onLook?: () => void } = {}) {
  const { url, token } = ground.vma;
  const vma = createVmaClient({ url, token: () => Promise.resolve(token), fetch, clock: realClock });
  const call: VmaClient['call'] = async (name, input, options) => {
    await before?.(name);
    return await vma.call(name, input, options);
  };
  const hostAccess: HostAccess = {
    ...ground.oma.hostAccess,
    snapshot: async (options) => {
      onLook?.();
      return await ground.oma.hostAccess.snapshot(options);
    },
  };
  const client: VmaClient = { call };
  return createVmaMover({ clientOf: () => client, exports: ground.oma.exports, hostAccess, clock: realClock });
}

function expectUntouched(...disks: Disk[]): void {
  execFileSync(
    'sync',
    disks.map(({ backingPath }) => backingPath),
  );
  for (const { backingPath } of disks) expect(allocatedBytes(backingPath)).toBe(0);
}

const statusOf = (job: string, ...states: Parameters<typeof diskIn>[2][]) =>
  diskIn(ground.vma, { jobId: job, diskKey }, ...states);

test('the VMA writes only after this side has proved the device that its connection is on', async () => {
  const { disk, request, sizeBytes } = await ready();
  const opened: number[] = [];
  const mover = moverWith({
    before: async (name) => {
      if (name !== 'openGate') return;
      expectUntouched(disk);
      opened.push((await ground.oma.exports.clients()).length);
    },
  });
  const { gate, bytesWritten } = await mover.copySegment(request(1), signal());
  expect(opened).toEqual([1]);
  expect(gate.connections).toMatchObject([{ dev: disk.dev }]);
  expect(bytesWritten).toBe(sizeBytes);
  const first = sha256OfFirst(disk.node, sizeBytes);
  await moverWith().copySegment(request(2), signal());
  expect(sha256OfFirst(disk.node, sizeBytes)).toBe(first);
});

test('devices exchanged between connect and gate: refused, nothing is written, and the VMA lets go', async () => {
  const { disk, other, request, job } = await ready();
  const opened: string[] = [];
  const mover = moverWith({
    before: (name) => {
      if (name === 'openGate') opened.push(name);
      return Promise.resolve();
    },
    onLook: () => ground.oma.swap(disk, other),
  });
  await expect(mover.copySegment(request(1), signal())).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
  expect(opened).toEqual([]);
  expect((await statusOf(job, 'stopped', 'failed')).bytes_written).toBe(0);
  expect(await ground.oma.exports.clients()).toEqual([]);
  expectUntouched(disk, other);
});

test('a second connection to the export: the gate stays shut', async () => {
  const { disk, request, target } = await ready();
  const mover = moverWith({
    before: async (name) => {
      if (name === 'getJobStatus') await openWriter(target.port, target.exportName);
    },
  });
  await expect(mover.copySegment(request(1), signal())).rejects.toMatchObject({ code: 'MOVER_FAILED' });
  expect(await ground.oma.exports.clients()).toEqual([]);
  expectUntouched(disk);
});

test('a VMA that is stopped before its gate and comes back from the dead cannot write with the old attempt', async () => {
  const { disk, request, sizeBytes, job } = await ready();
  const mover = moverWith({
    before: (name) => {
      if (name === 'openGate') process.kill(ground.vma.pid, 'SIGSTOP');
      return Promise.resolve();
    },
  });
  // Asked to open, it does not answer: whether it will is not known, so the connection is cut here.
  const copy = mover.copySegment(request(1), signal());
  await expect(copy).rejects.toMatchObject({ code: 'VMA_UNREACHABLE' });
  expect(await ground.oma.exports.clients()).toEqual([]);
  process.kill(ground.vma.pid, 'SIGCONT');
  await statusOf(job, 'stopped', 'failed');
  expectUntouched(disk);

  await moverWith().stopEarlier?.({ source: request(2).source, jobId: job }, signal());
  await moverWith().copySegment(request(2), signal());
  expect(allocatedBytes(disk.backingPath)).toBeGreaterThan(0);
  const before = sha256OfFirst(disk.node, sizeBytes);
  await expect(moverWith().copySegment(request(1), signal())).rejects.toMatchObject({ code: 'ATTEMPT_STALE' });
  expect(sha256OfFirst(disk.node, sizeBytes)).toBe(before);
});

test('a VMA that falls silent in mid-copy is unknown, neither failed nor done, and goes on', async () => {
  const { disk, request, sizeBytes } = await ready();
  const first = request(1);
  const seen: string[] = [];
  let isOver = false;
  let opened = false;
  const copy = moverWith({
    before: (name) => {
      // The gate is open, and its answer is on its way.
      if (name === 'getJobStatus' && seen.length === 0 && opened) process.kill(ground.vma.pid, 'SIGSTOP');
      if (name === 'openGate') opened = true;
      return Promise.resolve();
    },
  })
    .copySegment(
      {
        ...first,
        waiting: async (reason, work) => {
          seen.push(reason);
          expect(isOver).toBe(false);
          process.kill(ground.vma.pid, 'SIGCONT');
          return await work();
        },
      },
      signal(),
    )
    .finally(() => {
      isOver = true;
    });
  await eventually(() => seen.length === 1 || isOver, 'the contact is lost');
  const { bytesWritten } = await copy;
  expect(seen[0]).toMatch(/^VMA_UNREACHABLE: /);
  expect(bytesWritten).toBe(sizeBytes);
  expect(allocatedBytes(disk.backingPath)).toBeGreaterThan(0);
});
