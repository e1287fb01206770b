import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CloudVolume } from '../../ports/cloud.ts';
import { envelopeOf, refusalOf } from './failures.ts';
import { records } from './records.ts';
import { readCreated, readJob, readList, readStarted, readSucceeded } from './replies.ts';

const folder = new URL('../../../test/fixtures/cloudstack/', import.meta.url);
const recorded = (name: string): string => readFileSync(new URL(`${name}.json`, folder), 'utf8');
const content = (name: string): Record<string, unknown> =>
  Object.values(envelopeOf(recorded(name)) ?? {})[0] as Record<string, unknown>;

const readVolumes = (volumes: Record<string, unknown>): ReturnType<typeof readList<CloudVolume>> =>
  readList('listVolumes', records.volume, volumes);

describe('replies that real servers sent', () => {
  test('a list of volumes of 2013', () => {
    expect(readVolumes(content('listVolumes_default'))).toEqual({
      total: 1,
      items: [
        {
          id: 'fe1ada16-57a0-40ae-b577-01a153690fb4',
          name: 'ROOT-69942',
          state: 'Ready',
          type: 'ROOT',
          sizeBytes: 139_264,
          zoneId: '7dbc4787-ec2f-498d-95f0-848c8c81e5da',
          vmId: '3239ade9-fd25-405c-8eda-59f0313a3fb0',
          deviceId: 0,
          pendingJobId: null,
          tags: {},
        },
      ],
    });
  });

  test('an empty list has neither count nor array', () => {
    expect(readVolumes(content('listTemplates_notemplates'))).toEqual({ total: null, items: [] });
  });

  test('accepted jobs', () => {
    expect(readCreated('createVolume', content('createVolume_default'))).toEqual({
      jobId: 'createvolumejob',
      id: '60338035-92fb-4d27-98d4-b60ad4b38b87',
    });
    expect(readStarted('attachVolume', content('attachVolume_default'))).toEqual({ jobId: 'attachvolumejob' });
  });

  test.each(['createvolumejob', 'attachvolumejob', 'detachvolumejob'])('the result of %s', (job) => {
    expect(readJob(content(`queryAsyncJobResult_${job}`))).toEqual({ state: 'succeeded' });
  });

  test('a job that failed without a word', () => {
    expect(readJob(content('queryAsyncJobResult_17177'))).toEqual({
      state: 'failed',
      code: 0,
      text: 'CloudStack gave no reason.',
    });
  });

  test('machines, snapshots, zones and offerings', () => {
    expect(readList('x', records.vm, content('listVirtualMachines_default')).items[0]).toEqual({
      id: '2600',
      name: 'test',
      state: 'Running',
      zoneId: '1',
      tags: { foo: 'bar', testkey: 'testvalue' },
    });
    expect(readList('x', records.snapshot, content('listSnapshots_default'))).toMatchObject({
      total: 3,
      items: [{ id: '188402', volumeId: '89341', state: 'BackedUp' }, {}, {}],
    });
    expect(readList('x', records.zone, content('listZones_default')).items).toEqual([{ id: '1', name: 'Sydney' }]);
    expect(readList('x', records.diskOffering, content('listDiskOfferings_default')).items).toMatchObject([
      { name: 'Disk offer 1', sizeGib: 10 },
    ]);
    expect(readList('x', records.resourceLimit, content('listResourceLimits_default')).items[2]?.max).toBe(20);
    expect(readCreated('createSnapshot', content('createSnapshot_default'))).toEqual({
      jobId: '1300001',
      id: '190547',
    });
    expect(readStarted('startVirtualMachine', content('startVirtualMachine_default'))).toEqual({ jobId: '17188' });
  });

  test('success as a word', () => {
    expect(readSucceeded('deleteVolume', content('deleteVolume_default'))).toBe(true);
  });

  test('a refusal keeps the text and the code', () => {
    const refusal = refusalOf('registerSSHKeyPair', 431, recorded('registerSSHKeyPair_error'));
    expect(refusal).toMatchObject({
      code: 'CLOUD_REFUSED',
      details: { error_code: 431, error_text: 'Public key is invalid' },
    });
  });
});

describe('replies that cannot be believed', () => {
  test('a volume without a size', () => {
    expect(() =>
      readVolumes({ volume: [{ id: 'a', name: 'n', state: 'Ready', type: 'DATADISK', zoneid: 'z' }] }),
    ).toThrow(expect.objectContaining({ code: 'CLOUD_REPLY_INVALID' }));
  });

  test('a kind of volume that we do not know is left alone like a root disk', () => {
    const odd = { id: 'a', name: 'n', state: 'Ready', type: 'ISO', zoneid: 'z', size: 1 };
    expect(readVolumes({ volume: [odd] }).items[0]?.type).toBe('ROOT');
  });

  test.each([
    [401, '', 'CLOUD_AUTH'],
    [429, '{"x":{"errorcode":429,"errortext":"later"}}', 'CLOUD_UNREACHABLE'],
    [503, '<html>', 'CLOUD_UNREACHABLE'],
    [404, '<html>', 'CLOUD_REPLY_INVALID'],
    [302, '', 'CLOUD_REPLY_INVALID'],
    [535, '{"x":{"errorcode":535,"errortext":"full"}}', 'CLOUD_LIMIT'],
    [532, '{"x":{"errorcode":532,"errortext":"full"}}', 'CLOUD_LIMIT'],
    [530, '{"x":{"errorcode":530,"errortext":"boom"}}', 'CLOUD_REFUSED'],
  ])('HTTP %i is %s', (status, text, code) => {
    expect(refusalOf('listVolumes', status, text).code).toBe(code);
  });
});
