import { describe, expect, test } from 'vitest';
import { AppError } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import { preflightChecks } from './all.ts';
import type { Facts } from './facts.ts';

const gib = 1024 ** 3;
const disk = { key: 2000, label: 'Hard disk 1', unit: 'SCSI (0:0)', capacityBytes: 40 * gib };
const vm: SourceVm = {
  ...{ sourceKind: 'images', sourceId: 'here', vmId: 'a', name: 'web', cpuCount: 1, memoryMib: 512 },
  ...{ firmware: 'bios', guestOs: 'other', powerState: 'off', nics: [] },
  disks: [
    { ...disk, image: { path: '/web.raw', format: 'raw' } },
    { ...disk, key: 2001, image: { path: '/data.raw', format: 'raw' } },
  ],
};
const known = <T>(value: T) => ({ known: true, value }) as const;
const good: Facts = {
  vm,
  unfinishedMigration: null,
  unreadable: [],
  appliance: known({ id: 'oma', name: 'oma', state: 'Running', zoneId: 'z', tags: {} }),
  offering: known({ id: 'o', name: 'Custom', sizeGib: null }),
  limits: known({ largestVolumeGib: 1024, volumesLeft: 18 }),
  headroomGib: 5,
  slotsTotal: 26,
  host: known({ devices: 3 }),
  stalled: null,
};
const unreachable = { known: false, error: new AppError('CLOUD_UNREACHABLE', 'refused') } as const;

const notPassed = (facts: Facts): string[] =>
  preflightChecks.flatMap(({ id, judge }) => {
    const verdict = judge(facts);
    return verdict.outcome === 'passed' ? [] : [`${id}: ${verdict.outcome} ${verdict.error.code}`];
  });

describe('before a migration', () => {
  test('everything is as it should be', () => {
    expect(notPassed(good)).toEqual([]);
  });

  test.each<[string, Partial<Facts>, readonly string[]]>([
    ['a migration runs', { unfinishedMigration: 'm' }, ['no-unfinished-migration: failed VM_ACTIVE']],
    [
      'a disk is not there',
      { unreadable: [{ label: 'Hard disk 1', error: new AppError('SOURCE_UNREADABLE', 'gone') }] },
      ['source-readable: failed SOURCE_UNREADABLE'],
    ],
    [
      'the appliance is off',
      { appliance: known({ id: 'oma', name: 'oma', state: 'Stopped', zoneId: 'z', tags: {} }) },
      ['appliance-runs: failed VM_STATE'],
    ],
    ['the appliance is not listed', { appliance: known(null) }, ['appliance-runs: failed NOT_FOUND']],
    ['two disks, one slot', { slotsTotal: 1 }, ['slots-suffice: failed SLOTS_TOO_FEW']],
    [
      'a fixed offering',
      { offering: known({ id: 'o', name: 'Small', sizeGib: 5 }) },
      ['offering-fits: failed CLOUD_LIMIT'],
    ],
    [
      'the headroom is what is too much',
      { limits: known({ largestVolumeGib: 44, volumesLeft: null }) },
      ['limits-suffice: failed CLOUD_LIMIT'],
    ],
    [
      'one volume left',
      { limits: known({ largestVolumeGib: null, volumesLeft: 1 }) },
      ['limits-suffice: failed CLOUD_LIMIT'],
    ],
    ['no room for records', { stalled: 'DATA_DIR_FULL' }, ['records-kept: failed DATA_DIR_FULL']],
    [
      'CloudStack does not answer: unknown, not failed',
      { appliance: unreachable, offering: unreachable, limits: unreachable },
      [
        'appliance-runs: unknown CLOUD_UNREACHABLE',
        'offering-fits: unknown CLOUD_UNREACHABLE',
        'limits-suffice: unknown CLOUD_UNREACHABLE',
      ],
    ],
  ])('%s', (_what, change, expected) => {
    expect(notPassed({ ...good, ...change })).toEqual(expected);
  });
});
