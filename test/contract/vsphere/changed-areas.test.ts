import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Vcenter } from '../../../main/ports/vcenter.ts';
import { fault, type SoapServer, startSoapServer } from '../../fixtures/soap-server.ts';
import { openVcenter, within } from './open-vcenter.ts';

/** Answers that no vCenter can be made to give on demand, over the real protocol. */
describe('rule J6: what changed is known for certain, or the disk is copied in full', () => {
  let server: SoapServer;
  let vcenter: Vcenter;
  beforeAll(async () => {
    server = await startSoapServer();
    vcenter = openVcenter({ ...server, username: 'u@v', password: 'p' });
  });
  afterAll(async () => {
    await vcenter.close();
    await server.close();
  });

  type Part = {
    readonly start: number;
    readonly length: number;
    readonly areas?: readonly (readonly [number, number])[];
  };
  const part = ({ start, length, areas = [] }: Part): string => {
    const changed = areas.map(
      ([at, size]) => `<changedArea><start>${at}</start><length>${size}</length></changedArea>`,
    );
    return `<QueryChangedDiskAreasResponse xmlns="urn:vim25"><returnval><startOffset>${start}</startOffset><length>${length}</length>${changed.join('')}</returnval></QueryChangedDiskAreasResponse>`;
  };
  const answer = (parts: readonly string[]): void => {
    const left = [...parts];
    server.calls.length = 0;
    server.answerWith(({ method }) =>
      method === 'QueryChangedDiskAreas' ? (left.shift() ?? fault('SystemError', { text: 'asked too often' })) : null,
    );
  };
  const asked = (): string[] =>
    server.calls.flatMap(
      ({ body }) => /<startOffset>(\d+)<.*<changeId>(.*)<[/]changeId>/.exec(body)?.slice(1).join(' ') ?? [],
    );
  const query = {
    vm: 'vm-1',
    snapshot: 'snapshot-2',
    diskKey: 2000,
    capacityBytes: 1_000,
    since: '52 aa/1',
    until: '52 aa/4',
  };
  const ask = (more: Partial<typeof query> = {}) => vcenter.changedAreas({ ...query, ...more }, within());
  const doubt = (reason: RegExp) => ({ code: 'CHANGES_UNKNOWN', reason: expect.stringMatching(reason) as string });

  test('it is asked until the whole disk is covered, and areas that touch become one', async () => {
    answer([
      part({
        start: 0,
        length: 400,
        areas: [
          [0, 100],
          [390, 10],
        ],
      }),
      part({ start: 400, length: 1, areas: [[400, 1]] }),
      part({ start: 401, length: 599, areas: [[900, 100]] }),
    ]);
    expect(await ask()).toEqual([
      { offset: 0, length: 100 },
      { offset: 390, length: 11 },
      { offset: 900, length: 100 },
    ]);
    expect(asked()).toEqual(['0 52 aa/1', '400 52 aa/1', '401 52 aa/1']);
  });

  test('nothing changed: an empty list that covers the whole disk', async () => {
    answer([part({ start: 0, length: 1_000 })]);
    expect(await ask()).toEqual([]);
  });

  test('all that is in use, where there is no earlier change id', async () => {
    answer([part({ start: 0, length: 1_000, areas: [[5, 5]] })]);
    expect(await ask({ since: '*' })).toEqual([{ offset: 5, length: 5 }]);
    expect(asked()).toEqual(['0 *']);
  });

  test('a disk beyond 2 TiB', async () => {
    const capacityBytes = 3 * 2 ** 40;
    answer([part({ start: 0, length: capacityBytes, areas: [[capacityBytes - 512, 512]] })]);
    expect(await ask({ capacityBytes })).toEqual([{ offset: capacityBytes - 512, length: 512 }]);
  });

  test.each([
    ['a gap', part({ start: 500, length: 500 })],
    ['an answer to another question', part({ start: 100, length: 100 })],
    ['no length', part({ start: 400, length: 0 })],
    ['a negative length', part({ start: 400, length: -600 })],
    ['more than there is', part({ start: 400, length: 601 })],
    ['an area before the part', part({ start: 400, length: 600, areas: [[399, 2]] })],
    ['an area beyond the part', part({ start: 400, length: 600, areas: [[900, 101]] })],
    ['an area without length', part({ start: 400, length: 600, areas: [[500, 0]] })],
  ])('%s in the second answer: nothing of it is used', async (_what, second) => {
    answer([part({ start: 0, length: 400 }), second]);
    const error: unknown = await ask().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'CHANGES_UNKNOWN' });
    // By that answer itself: not by a fault of a third one.
    expect(error).not.toHaveProperty('details.fault');
    expect(asked()).toHaveLength(2);
  });

  test.each(['InvalidArgument', 'FileFault', 'NotFound', 'SystemError'])('the fault %s', async (name) => {
    answer([
      part({ start: 0, length: 400 }),
      fault(name, { text: 'A specified parameter was not correct: startOffset' }),
    ]);
    await expect(ask()).rejects.toMatchObject({
      ...doubt(/startOffset/),
      details: { disk_key: 2000, start_offset: 400, fault: name },
    });
  });

  test('tracking that was reset, by the part of the change id that names it', async () => {
    answer([part({ start: 0, length: 1_000 })]);
    await expect(ask({ until: '52 bb/4' })).rejects.toMatchObject(doubt(/reset/));
    await expect(ask({ since: '', until: '52 aa/4' })).rejects.toMatchObject(doubt(/form/));
    expect(asked()).toEqual([]);
    expect(await ask({ until: '52 aa/9' })).toEqual([]);
  });

  test('what says nothing about the disk stays what it is', async () => {
    const inside =
      '<object type="VirtualMachine">vm-1</object><privilegeId>VirtualMachine.Provisioning.DiskRandomRead</privilegeId>';
    answer([fault('NoPermission', { inside })]);
    await expect(ask()).rejects.toMatchObject({ code: 'VCENTER_PRIVILEGE' });
    // Asked again in a new session, from where it was.
    answer([
      part({ start: 0, length: 400 }),
      fault('NotAuthenticated'),
      part({ start: 400, length: 600, areas: [[400, 1]] }),
    ]);
    expect(await ask()).toEqual([{ offset: 400, length: 1 }]);
    expect(asked()).toEqual(['0 52 aa/1', '400 52 aa/1', '400 52 aa/1']);
  });
});
