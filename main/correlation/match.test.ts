import { describe, expect, test } from 'vitest';
import type { BlockDevice, HostSnapshot } from '../domain/device.ts';
import { isStill, matchByAppearance, matchBySerial, matchVolume, type OtherVolume, serialOf } from './match.ts';

const gib = 1024 ** 3;
const uuid = '8a4400e5-c92a-4bc4-8bff-4b6b0b6a018c';

const device = (name: string, more: Partial<BlockDevice> = {}): BlockDevice => ({
  name,
  path: `/dev/${name}`,
  dev: `7:${name.charCodeAt(2)}`,
  sizeBytes: gib,
  diskseq: '1',
  serial: '',
  holders: [],
  ...more,
});
const host = (...devices: BlockDevice[]): HostSnapshot => ({ bootId: 'boot-1', devices });
const wanted = { volumeId: uuid, sizeBytes: gib };

describe('rule D2, with serials', () => {
  test('the serial is the first twenty hex digits of the UUID', () => {
    expect(serialOf(uuid)).toBe('8a4400e5c92a4bc48bff');
  });

  test('the one device with the serial is the volume, whatever its name; a surplus is recorded', () => {
    const snapshot = host(device('vda'), device('vdq', { serial: serialOf(uuid), sizeBytes: gib + 4096 }));
    expect(matchBySerial(wanted, snapshot)).toMatchObject({
      kind: 'proved',
      device: { name: 'vdq' },
      evidence: { kind: 'serial', excessBytes: 4096 },
    });
  });

  test('two devices with one serial, or one that is too small, are no proof', () => {
    const twice = host(device('vdb', { serial: serialOf(uuid) }), device('vdc', { serial: serialOf(uuid) }));
    expect(matchBySerial(wanted, twice).kind).toBe('ambiguous');
    const small = host(device('vdb', { serial: serialOf(uuid), sizeBytes: gib - 512 }));
    expect(matchBySerial(wanted, small).kind).toBe('too-small');
  });

  test('an empty serial never matches', () => {
    expect(matchBySerial(wanted, host(device('vda'), device('vdb'))).kind).toBe('none');
  });
});

describe('rule D2, without serials', () => {
  test('exactly one newcomer of exactly the size', () => {
    const before = host(device('vda'));
    expect(matchByAppearance(wanted, before, host(device('vda'), device('vdb')))).toMatchObject({ kind: 'proved' });
    expect(matchByAppearance(wanted, before, host(device('vda'), device('vdb', { sizeBytes: gib + 512 }))).kind).toBe(
      'ambiguous',
    );
    expect(matchByAppearance(wanted, before, host(device('vda'), device('vdb'), device('vdc'))).kind).toBe('ambiguous');
  });

  test('a name that changed its disk is a newcomer; another boot proves nothing', () => {
    const before = host(device('vda'), device('vdb', { sizeBytes: 2 * gib }));
    expect(matchByAppearance(wanted, before, host(device('vda'), device('vdb', { diskseq: '9' })))).toMatchObject({
      kind: 'proved',
    });
    // Of the same size it may be the old disk, found anew.
    const same = host(device('vda'), device('vdb'));
    expect(matchByAppearance(wanted, same, host(device('vda'), device('vdc', { diskseq: '9' }))).kind).toBe(
      'ambiguous',
    );
    expect(matchByAppearance(wanted, before, { bootId: 'boot-2', devices: [device('vdz')] }).kind).toBe('none');
  });
});

describe('rule D2, whole: what else a daemon knows', () => {
  const another = '0f4d5b1e-77aa-4c3e-9d0b-1c2d3e4f5a6b';
  const namesake = `${uuid.slice(0, 24)}ffffffffffff`;
  const other = (volumeId: string, more: Partial<OtherVolume> = {}): OtherVolume => ({
    volumeId,
    device: null,
    mayAppear: false,
    ...more,
  });
  const before = host(device('vda'));
  const newcomer = host(device('vda'), device('vdb'));

  test('one newcomer is the volume where nothing else can have appeared', () => {
    expect(matchVolume(wanted, { now: newcomer, before, others: [] })).toMatchObject({ kind: 'proved' });
    expect(matchVolume(wanted, { now: newcomer, before, others: [other(another)] })).toMatchObject({ kind: 'proved' });
  });

  test('and no proof where another volume may be the newcomer, or has been proved to be it', () => {
    for (const more of [{ mayAppear: true }, { device: device('vdb') }])
      expect(matchVolume(wanted, { now: newcomer, before, others: [other(another, more)] }).kind).toBe('ambiguous');
  });

  test('where disks have serials a late one is waited for', () => {
    expect(matchVolume(wanted, { now: newcomer, before: null, others: [] }).kind).toBe('none');
    const seen = host(device('vda'), device('vdb'), device('vdc', { serial: serialOf(another) }));
    expect(matchVolume(wanted, { now: seen, before, others: [] }).kind).toBe('none');
  });

  test('two volumes that share the first twenty digits are never told from each other', () => {
    const now = host(device('vdb', { serial: serialOf(uuid) }));
    expect(matchVolume(wanted, { now, before: null, others: [other(namesake)] })).toMatchObject({
      kind: 'ambiguous',
      candidates: [{ name: 'vdb' }],
    });
  });

  test('a by-id link that leads to another device is a contradiction, with both as candidates', () => {
    const now = host(device('vdb', { serial: serialOf(uuid), byIdLeadsTo: '/dev/vdc' }), device('vdc'));
    expect(matchVolume(wanted, { now, before: null, others: [] })).toMatchObject({
      kind: 'ambiguous',
      candidates: [{ name: 'vdb' }, { name: 'vdc' }],
    });
  });

  test('what no evidence tells: without serials, a disk of the same size that a person attaches instead of ours', () => {
    // The reason why rule D2 wants one attach at a time on such a host. What came is taken for what was asked for.
    expect(matchVolume(wanted, { now: newcomer, before, others: [] })).toMatchObject({ device: { name: 'vdb' } });
  });
});

test('a mapping holds only while name, identity, sequence, serial and size all do', () => {
  const known = device('vdb', { serial: 'x' });
  expect(isStill(known, device('vdb', { serial: 'x' }))).toBe(true);
  for (const change of [{ dev: '7:1' }, { diskseq: '2' }, { serial: 'y' }, { sizeBytes: 1 }, { name: 'vdc' }]) {
    expect(isStill(known, device('vdb', { serial: 'x', ...change }))).toBe(false);
  }
});
