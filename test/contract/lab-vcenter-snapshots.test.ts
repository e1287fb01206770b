import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  faultIn,
  firstIn,
  httpsExchange,
  type LabVcenter,
  propertiesOf,
  rawSoap,
  type Soap,
  type SoapAnswer,
  startLabVcenter,
  type TaskEnd,
  taskOf,
  textsIn,
} from '../fixtures/lab-vcenter.ts';

let vcenter: LabVcenter;
let soap: Soap;

beforeAll(async () => {
  vcenter = await startLabVcenter();
  soap = rawSoap(vcenter);
});
afterAll(() => vcenter.remove());
beforeEach(async () => {
  await vcenter.control('DELETE faults');
  await soap.logIn();
});

const vm = (moref: string): string => `VirtualMachine:${moref}`;
const snapshotOf = (id: string): string => `VirtualMachineSnapshot:${id}`;
const create = (moref: string, name = 'sync', quiesce = false): Promise<TaskEnd> =>
  taskOf(
    soap,
    soap.call(
      'CreateSnapshot_Task',
      vm(moref),
      `<name>${name}</name><memory>false</memory><quiesce>${quiesce}</quiesce>`,
    ),
  );
const remove = (id: string): Promise<TaskEnd> =>
  taskOf(soap, soap.call('RemoveSnapshot_Task', snapshotOf(id), '<removeChildren>false</removeChildren>'));
const enableTracking = (moref: string, on = true): Promise<TaskEnd> =>
  taskOf(
    soap,
    soap.call('ReconfigVM_Task', vm(moref), `<spec><changeTrackingEnabled>${on}</changeTrackingEnabled></spec>`),
  );

type Mutated = {
  readonly seed: number;
  readonly disks: readonly {
    readonly key: number;
    readonly path: string;
    readonly size_bytes: number;
    readonly extents: readonly { readonly offset: number; readonly length: number }[];
  }[];
};
const mutate = (moref: string, body: object): Promise<Mutated> =>
  vcenter.control(`POST vcenter-vms/${moref}/mutate`, body);

const changeIds = async (on: string): Promise<string[]> =>
  textsIn(await propertiesOf(soap, on, ['config.hardware.device']), 'changeId');
const files = async (on: string): Promise<string[]> =>
  textsIn(await propertiesOf(soap, on, ['config.hardware.device']), 'fileName');

async function flat(path: string): Promise<Buffer> {
  const { url, username, password } = vcenter.file().vcenter;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const answer = await httpsExchange(`${new URL(url).origin}/folder/${path}?dcPath=DC-Lab&dsName=vmfs-01`, {
    headers: { authorization },
  });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
  return answer.body;
}

type Area = { readonly start: number; readonly length: number };
type Query = { readonly snapshot?: string; readonly key: number; readonly changeId: string; readonly from?: number };

const query = (moref: string, { snapshot, key, changeId, from = 0 }: Query): Promise<SoapAnswer> =>
  soap.call(
    'QueryChangedDiskAreas',
    vm(moref),
    `${snapshot === undefined ? '' : `<snapshot type="VirtualMachineSnapshot">${snapshot}</snapshot>`}<deviceKey>${key}</deviceKey><startOffset>${from}</startOffset><changeId>${changeId}</changeId>`,
  );

/** All areas, asked for until the capacity is covered, and how many replies that took. */
async function allAreas(
  moref: string,
  asked: Query & { readonly capacity: number },
): Promise<{ areas: Area[]; replies: number }> {
  const areas: Area[] = [];
  let replies = 0;
  for (let from = 0; from < asked.capacity; replies += 1) {
    const answer = await query(moref, { ...asked, from });
    if (answer.status !== 200) throw new Error(answer.xml);
    const covered = Number(textsIn(answer.xml.replace(/<changedArea>.*<\/changedArea>/, ''), 'length')[0]);
    const within = answer.xml.match(/<changedArea>.*?<\/changedArea>/g) ?? [];
    areas.push(
      ...within.map((xml) => ({ start: Number(firstIn(xml, 'start')), length: Number(firstIn(xml, 'length')) })),
    );
    expect([Number(firstIn(answer.xml, 'startOffset')), covered > 0]).toEqual([from, true]);
    from += covered;
  }
  return { areas, replies };
}

const block = 64 * 1024;
const blocksOf = (areas: readonly Area[]): number[] =>
  areas.flatMap(({ start, length }) =>
    Array.from({ length: Math.ceil(length / block) }, (_unused, index) => start / block + index),
  );

/** Our own comparison, byte by byte, of what was before with what is now. */
function differingBlocks(before: Buffer, after: Buffer): number[] {
  const blocks: number[] = [];
  for (let at = 0; at < after.length; at += block) {
    if (!before.subarray(at, at + block).equals(after.subarray(at, at + block))) blocks.push(at / block);
  }
  return blocks;
}

describe('a snapshot of a running VM', () => {
  test('freezes its bytes, whatever the guest writes since; the VM goes on in a delta file', async () => {
    const before = await flat('live-cbt-01/live-cbt-01-flat.vmdk');
    const { state, result } = await create('vm-134', 'frozen', true);
    expect(state).toBe('success');
    await mutate('vm-134', { bytes: 2 ** 20, extents: 6, seed: 21 });
    expect((await flat('live-cbt-01/live-cbt-01-flat.vmdk')).equals(before)).toBe(true);
    expect((await files(vm('vm-134'))).slice(0, 2)).toEqual([
      '[vmfs-01] live-cbt-01/live-cbt-01-000001.vmdk',
      '[vmfs-01] live-cbt-01/live-cbt-01.vmdk',
    ]);
    expect((await files(snapshotOf(result)))[0]).toBe('[vmfs-01] live-cbt-01/live-cbt-01.vmdk');
    expect(await propertiesOf(soap, vm('vm-134'), ['snapshot'])).toContain('<quiesced>true</quiesced>');

    expect(await remove(result)).toMatchObject({ state: 'success' });
    expect(textsIn(await propertiesOf(soap, vm('vm-134'), ['snapshot', 'name']), 'name')).toEqual(['name']);
    expect((await files(vm('vm-134')))[0]).toBe('[vmfs-01] live-cbt-01/live-cbt-01.vmdk');
    expect((await flat('live-cbt-01/live-cbt-01-flat.vmdk')).equals(before)).toBe(false);
  });

  test('may leave its files behind until the disks are consolidated', async () => {
    const needed = async (): Promise<string> =>
      firstIn(await propertiesOf(soap, vm('vm-134'), ['runtime.consolidationNeeded']), 'val');
    const { result } = await create('vm-134');
    await vcenter.control('POST faults', { fault: 'vc-consolidation-needed' });
    expect(await remove(result)).toMatchObject({ state: 'success' });
    expect(await needed()).toBe('true');
    expect((await files(vm('vm-134')))[0]).not.toBe('[vmfs-01] live-cbt-01/live-cbt-01.vmdk');
    expect(await taskOf(soap, soap.call('ConsolidateVMDisks_Task', vm('vm-134')))).toMatchObject({ state: 'success' });
    expect(await needed()).toBe('false');
    expect((await files(vm('vm-134')))[0]).toBe('[vmfs-01] live-cbt-01/live-cbt-01.vmdk');
  });

  test('can fail, is refused where a bus is shared, and is one at a time', async () => {
    await vcenter.control('POST faults', { fault: 'vc-snapshot-fails' });
    expect(await create('vm-134')).toMatchObject({ state: 'error', fault: 'ApplicationQuiesceFault' });
    expect(await create('vm-123')).toMatchObject({ state: 'error', fault: 'SnapshotFault' });
    await vcenter.control('POST faults', { fault: 'vc-task-slow', value: 300, match: { name: 'odd-01' } });
    const [slow, second] = [create('vm-104', 'slow'), create('vm-104', 'second')];
    const ends = await Promise.all([slow, second]);
    expect(ends.map(({ state, fault }) => fault ?? state).sort()).toEqual(['TaskInProgress', 'success']);
  });

  test('of a chain takes a link out of the middle', async () => {
    expect(await remove('snapshot-1271')).toMatchObject({ state: 'success' });
    expect(await files(vm('vm-127'))).toEqual(
      [3, 1]
        .map((number) => `[vmfs-01] chain-01/chain-01-00000${number}.vmdk`)
        .concat('[vmfs-01] chain-01/chain-01.vmdk'),
    );
    expect(await taskOf(soap, soap.call('RemoveAllSnapshots_Task', vm('vm-127')))).toMatchObject({ state: 'success' });
    expect(await files(vm('vm-127'))).toEqual(['[vmfs-01] chain-01/chain-01.vmdk']);
    expect(
      faultIn(
        await soap.call('RemoveSnapshot_Task', snapshotOf('snapshot-1271'), '<removeChildren>false</removeChildren>'),
      ),
    ).toBe('ManagedObjectNotFound');
  });
});

describe('changed areas', () => {
  /** A first snapshot that is gone again, what was frozen then, and a second one after the guest has written. */
  async function twoMoments(
    moref: string,
    directory: string,
    changes: object,
  ): Promise<{ ids: string[]; snapshot: string; before: Buffer; after: Buffer; mutated: Mutated }> {
    const first = await create(moref);
    const ids = await changeIds(snapshotOf(first.result));
    const before = await flat(`${directory}/${directory}-flat.vmdk`);
    await remove(first.result);
    const mutated = await mutate(moref, changes);
    const second = await create(moref);
    const after = await flat(`${directory}/${directory}-flat.vmdk`);
    return { ids, snapshot: second.result, before, after, mutated };
  }

  test('are exactly the blocks that differ, by a comparison outside of the lab', async () => {
    const { ids, snapshot, before, after, mutated } = await twoMoments('vm-134', 'live-cbt-01', {
      bytes: 900_000,
      extents: 8,
      unaligned: true,
      seed: 77,
    });
    expect(ids.map((id) => /^52( [0-9a-f]{2}){7}-([0-9a-f]{2} ){7}[0-9a-f]{2}\/\d+$/.test(id))).toEqual([true, true]);
    const key = 2000;
    const { areas } = await allAreas('vm-134', { snapshot, key, changeId: ids[0] ?? '', capacity: after.length });
    expect(blocksOf(areas)).toEqual(differingBlocks(before, after));
    expect(areas.length).toBeGreaterThan(2);
    const written = mutated.disks.find((disk) => disk.key === key)?.extents ?? [];
    for (const { offset, length } of written) {
      expect(areas.some(({ start, length: size }) => start <= offset && offset + length <= start + size)).toBe(true);
    }
    expect(mutated.disks[0]?.extents.some(({ offset }) => offset % 2 === 1)).toBe(true);
    await remove(snapshot);
  });

  test('come in parts that cover the disk without a gap', async () => {
    const { ids, snapshot, before, after } = await twoMoments('vm-134', 'live-cbt-01', {
      bytes: 900_000,
      extents: 12,
      seed: 78,
    });
    const asked = { snapshot, key: 2000, changeId: ids[0] ?? '', capacity: after.length };
    await vcenter.control('POST settings', { vc_changed_span_bytes: 5 * 2 ** 20 + 512, vc_changed_areas_max: 2 });
    const { areas, replies } = await allAreas('vm-134', asked);
    await vcenter.control('POST settings', { vc_changed_span_bytes: 0, vc_changed_areas_max: 2000 });
    expect(replies).toBeGreaterThan(12);
    expect([...new Set(blocksOf(areas).map(Math.floor))]).toEqual(differingBlocks(before, after));
    await remove(snapshot);
  });

  test('a zeroed area counts as changed, a lie leaves one out', async () => {
    await mutate('vm-134', { bytes: 4 * block, extents: 1, seed: 80 });
    const { ids, snapshot, before, after } = await twoMoments('vm-134', 'live-cbt-01', {
      bytes: 4 * block,
      extents: 1,
      seed: 80,
      zero: true,
    });
    const asked = { snapshot, key: 2000, changeId: ids[0] ?? '', capacity: after.length };
    const honest = await allAreas('vm-134', asked);
    expect(blocksOf(honest.areas)).toEqual(differingBlocks(before, after));
    expect(honest.areas.length).toBeGreaterThan(0);
    await vcenter.control('POST faults', { fault: 'vc-cbt-lies' });
    expect((await allAreas('vm-134', asked)).areas).toHaveLength(honest.areas.length - 1);
    await remove(snapshot);
  });

  test('"*" is all that is in use', async () => {
    const { result } = await create('vm-134');
    const after = await flat('live-cbt-01/live-cbt-01-flat.vmdk');
    const { areas } = await allAreas('vm-134', { snapshot: result, key: 2000, changeId: '*', capacity: after.length });
    expect(blocksOf(areas)).toEqual(differingBlocks(Buffer.alloc(after.length), after));
    await remove(result);
  });

  test('questions that have no answer are refused, never answered with nothing', async () => {
    const { result } = await create('vm-134');
    const [id = ''] = await changeIds(snapshotOf(result));
    const ask = async (asked: Partial<Query>): Promise<string | null> =>
      faultIn(await query('vm-134', { snapshot: result, key: 2000, changeId: id, ...asked }));
    expect(await ask({})).toBe(null);
    expect(await ask({ key: 2009 })).toBe('InvalidArgument');
    expect(await ask({ from: 64 * 2 ** 20 })).toBe('InvalidArgument');
    expect(await ask({ changeId: '52 00/1' })).toBe('InvalidArgument');
    expect(faultIn(await query('vm-134', { key: 2000, changeId: id }))).toBe('FileFault');
    await vcenter.control('POST faults', { fault: 'vc-cbt-file-fault' });
    expect(await ask({})).toBe('FileFault');
    expect(await ask({})).toBe(null);
    await remove(result);
  });

  test('are tracked from the next stun on, for disks that can; switching it off makes old ids worthless', async () => {
    expect(await changeIds(vm('vm-135'))).toEqual([]);
    expect(await enableTracking('vm-135')).toMatchObject({ state: 'success' });
    expect(await changeIds(vm('vm-135'))).toEqual([]);
    const { result } = await create('vm-135');
    const [id = ''] = await changeIds(snapshotOf(result));
    expect(id).not.toBe('');
    await enableTracking('vm-135', false);
    await enableTracking('vm-135');
    const again = await create('vm-135', 'again');
    expect(faultIn(await query('vm-135', { snapshot: again.result, key: 2000, changeId: id }))).toBe('InvalidArgument');

    await enableTracking('vm-121');
    await enableTracking('vm-122');
    expect(await changeIds(vm('vm-121'))).toHaveLength(2);
    expect(await changeIds(vm('vm-122'))).toHaveLength(1);
  });

  test('of a sparse disk of 3 TiB are found at once, also after it has grown', async () => {
    await enableTracking('vm-126');
    const first = await create('vm-126');
    const [id = ''] = await changeIds(snapshotOf(first.result));
    await remove(first.result);
    const { disks } = await mutate('vm-126', { bytes: 3 * 4096, extents: 3, seed: 9, grow_gib: 2 });
    const capacity = 3 * 2 ** 40 + 2 * 2 ** 30;
    expect(disks[0]?.size_bytes).toBe(capacity);
    expect(firstIn(await propertiesOf(soap, vm('vm-126'), ['config.hardware.device']), 'capacityInBytes')).toBe(
      String(capacity),
    );
    const { areas } = await allAreas('vm-126', { key: 2000, changeId: id, capacity });
    const written = disks[0]?.extents ?? [];
    expect(blocksOf(areas)).toEqual(written.map(({ offset }) => Math.floor(offset / block)).sort((a, b) => a - b));
  });

  test('of a VM that is off are told since its own change id, also over a time when it ran', async () => {
    await enableTracking('vm-104');
    const [id = ''] = await changeIds(vm('vm-104'));
    const asked = { key: 2000, changeId: id, capacity: 64 * 2 ** 20 + 512 };
    await taskOf(soap, soap.call('RemoveAllSnapshots_Task', vm('vm-104')));
    const before = await flat('odd-01/odd-01-flat.vmdk');
    expect((await allAreas('vm-104', asked)).areas).toEqual([]);
    expect(await taskOf(soap, soap.call('PowerOnVM_Task', vm('vm-104')))).toMatchObject({ state: 'success' });
    await mutate('vm-104', { bytes: 300_000, extents: 3, seed: 12 });
    expect(await taskOf(soap, soap.call('PowerOffVM_Task', vm('vm-104')))).toMatchObject({ state: 'success' });
    expect(await changeIds(vm('vm-104'))).not.toEqual([id]);
    const after = await flat('odd-01/odd-01-flat.vmdk');
    const { areas } = await allAreas('vm-104', asked);
    expect([blocksOf(areas), areas.length > 0]).toEqual([differingBlocks(before, after), true]);
  });

  test('are still known after the lab was started again', async () => {
    const first = await create('vm-134');
    const [id = ''] = await changeIds(snapshotOf(first.result));
    const before = await flat('live-cbt-01/live-cbt-01-flat.vmdk');
    await remove(first.result);
    await mutate('vm-134', { bytes: 4096, extents: 1, seed: 4 });
    await vcenter.restart();
    await soap.logIn();
    const second = await create('vm-134');
    const after = await flat('live-cbt-01/live-cbt-01-flat.vmdk');
    const { areas } = await allAreas('vm-134', {
      snapshot: second.result,
      key: 2000,
      changeId: id,
      capacity: after.length,
    });
    expect(blocksOf(areas)).toEqual(differingBlocks(before, after));
  });
});
