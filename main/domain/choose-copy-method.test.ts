import { describe, expect, test } from 'vitest';
import { AppError } from '../../shared/errors.ts';
import { type CopyFacts, copyMethod, type DiskFacts, type MoverPresence } from './choose-copy-method.ts';

const disk: DiskFacts = {
  label: 'Hard disk 1',
  rdm: null,
  mode: 'persistent',
  sharing: 'none',
  encrypted: false,
  backing: 'VirtualDiskFlatVer2BackingInfo',
  datastoreType: 'VMFS',
};

const presence = (available: readonly MoverPresence['name'][]): MoverPresence[] =>
  (['vddk', 'lab', 'folder', 'migratekit'] as const).map((name) => {
    const has = available.includes(name);
    return { name, available: has, because: has ? 'It is here.' : `${name} is missing.` };
  });

/** A VM that is off, in a real vCenter, with what a plain Debian has. */
const plain: CopyFacts = {
  powerState: 'off',
  snapshotCount: 0,
  disks: [disk],
  isLab: false,
  movers: presence(['lab', 'folder']),
};
const withLibrary = { movers: presence(['vddk', 'lab', 'folder']) };
const everything = { movers: presence(['vddk', 'lab', 'folder', 'migratekit']) };
const odd = (facts: Partial<DiskFacts>): Pick<CopyFacts, 'disks'> => ({
  disks: [disk, { ...disk, label: 'Hard disk 2', ...facts }],
});

type Row = readonly [
  name: string,
  facts: Partial<CopyFacts>,
  chosen: string,
  reasons: Readonly<Record<string, RegExp>>,
];

const chosen: readonly Row[] = [
  ['off, nothing but nbdkit', {}, 'folder', { vddk: /vddk is missing/, lab: /Only the vCenter of the demo/ }],
  ['off, with the disk library', withLibrary, 'vddk', { lab: /Only the vCenter of the demo/ }],
  [
    'on, with the disk library',
    { ...withLibrary, powerState: 'on' },
    'vddk',
    { folder: /The VM is on\. .*while it is off/ },
  ],
  ['suspended, with the disk library', { ...withLibrary, powerState: 'suspended' }, 'vddk', { folder: /is suspended/ }],
  ['snapshots of others', { ...withLibrary, snapshotCount: 2 }, 'vddk', { folder: /has 2 snapshots/ }],
  ['on, in the lab', { isLab: true, powerState: 'on' }, 'lab', { vddk: /missing/, folder: /The VM is on/ }],
  ['off, in the lab', { isLab: true }, 'lab', { vddk: /missing/ }],
  ['in the lab, with the library', { ...withLibrary, isLab: true }, 'vddk', {}],
  [
    'an independent disk, off',
    { ...withLibrary, ...odd({ mode: 'independent_persistent' }) },
    'folder',
    { vddk: /Hard disk 2 is independent/ },
  ],
  [
    'a virtual raw device',
    { ...withLibrary, ...odd({ rdm: 'virtual' }) },
    'vddk',
    { folder: /Hard disk 2 is a raw device: it has no file/ },
  ],
  ['a disk on vSAN', { ...withLibrary, ...odd({ datastoreType: 'vsan' }) }, 'vddk', { folder: /of the kind vsan/ }],
  [
    'a sparse disk',
    { ...withLibrary, ...odd({ backing: 'VirtualDiskSparseVer2BackingInfo' }) },
    'vddk',
    { folder: /no flat file/ },
  ],
  ['a datastore of unknown kind', odd({ datastoreType: null }), 'folder', {}],
  ['a datastore of a kind that vCenter has no word for', odd({ datastoreType: 'OTHER' }), 'folder', {}],
  [
    'migratekit is never the first choice',
    everything,
    'vddk',
    { migratekit: /before the device behind the export is proved/ },
  ],
];

const refused: readonly (readonly [name: string, facts: Partial<CopyFacts>, code: string, reason: RegExp])[] = [
  ['on, without the library', { powerState: 'on' }, 'VM_STATE', /folder: The VM is on/],
  ['a state that is not known', { powerState: null }, 'VM_STATE', /does not say/],
  ['snapshots, without the library', { snapshotCount: 1 }, 'VM_STATE', /has a snapshot\./],
  ['on, and on vSAN', { powerState: 'on', ...odd({ datastoreType: 'vsan' }) }, 'SOURCE_UNREADABLE', /kind vsan/],
  ['a physical raw device', { ...withLibrary, ...odd({ rdm: 'physical' }) }, 'SOURCE_UNREADABLE', /in physical mode/],
  [
    'a shared disk',
    { ...withLibrary, ...odd({ sharing: 'multi_writer' }) },
    'SOURCE_UNREADABLE',
    /another VM may write/,
  ],
  [
    'a shared bus',
    { ...withLibrary, ...odd({ sharing: 'physical_bus' }) },
    'SOURCE_UNREADABLE',
    /another VM may write/,
  ],
  [
    'an encrypted disk',
    { ...withLibrary, ...odd({ encrypted: true }) },
    'SOURCE_UNREADABLE',
    /Hard disk 2 is encrypted/,
  ],
  ['no program at all', { movers: presence([]) }, 'SOURCE_UNREADABLE', /folder is missing/],
  ['nothing but migratekit', { movers: presence(['migratekit']) }, 'SOURCE_UNREADABLE', /migratekit: It writes/],
];

describe('which program reads a VM', () => {
  test.each(chosen)('%s', (...[, facts, mover, reasons]) => {
    const method = copyMethod({ ...plain, ...facts });
    expect(method.mover).toBe(mover);
    expect(method.snapshot).toBe(mover !== 'folder');
    expect(method.because).toMatch(/^[A-Z].*\.$/);
    expect(method.rejected.map((one) => one.mover)).not.toContain(mover);
    for (const [rejected, reason] of Object.entries(reasons)) {
      expect(method.rejected.find((one) => one.mover === rejected)?.because).toMatch(reason);
    }
  });

  test.each(refused)('nothing, and why: %s', (...[, facts, code, reason]) => {
    let error: unknown;
    try {
      copyMethod({ ...plain, ...facts });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AppError);
    const { rejected } = (error as AppError).details as { rejected: readonly { readonly mover: string }[] };
    expect(error).toMatchObject({ code, reason: expect.stringMatching(reason) as string });
    expect(rejected.map(({ mover }) => mover)).toEqual(['vddk', 'lab', 'folder', 'migratekit']);
  });
});
