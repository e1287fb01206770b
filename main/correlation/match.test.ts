import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BlockDevice, HostSnapshot } from '../domain/device.ts';
import { isStill, matchByAppearance, matchBySerial, serialOf } from './match.ts';

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
    const before = host(device('vda'), device('vdb'));
    expect(matchByAppearance(wanted, before, host(device('vda'), device('vdb', { diskseq: '9' })))).toMatchObject({
      kind: 'proved',
    });
    expect(matchByAppearance(wanted, before, { bootId: 'boot-2', devices: [device('vdz')] }).kind).toBe('none');
  });
});

describe('whatever happens to the devices, a proof names the right one', () => {
  const letters = Array.from({ length: 25 }, (_, index) => String.fromCharCode(98 + index));
  /** Volumes of few sizes under shuffled names, some missing, one serial perhaps twice. */
  const world = fc.record({
    volumes: fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 8, selector: serialOf }),
    sizes: fc.array(fc.constantFrom(gib, 2 * gib), { minLength: 8, maxLength: 8 }),
    names: fc.shuffledSubarray(letters, { minLength: 9, maxLength: 9 }),
    missing: fc.integer({ min: 0, max: 255 }),
    doubled: fc.boolean(),
  });

  test('20,000 seeded worlds, no wrong device', () => {
    fc.assert(
      fc.property(world, ({ volumes, sizes, names, missing, doubled }) => {
        const owner = new Map<string, string>();
        const devices = volumes.flatMap((volumeId, index) => {
          if ((missing >> index) & 1) return [];
          const made = device(`vd${names[index] ?? ''}`, {
            serial: serialOf(volumeId),
            sizeBytes: sizes[index] ?? gib,
          });
          owner.set(made.name, volumeId);
          return [made];
        });
        const [first] = devices;
        if (doubled && first !== undefined) devices.push({ ...first, name: `vd${names[8] ?? ''}`, dev: '7:250' });
        for (const [index, volumeId] of volumes.entries()) {
          const verdict = matchBySerial({ volumeId, sizeBytes: sizes[index] ?? gib }, host(device('vda'), ...devices));
          if (verdict.kind === 'proved') expect(owner.get(verdict.device.name)).toBe(volumeId);
          if (doubled && volumeId === owner.get(first?.name ?? '')) expect(verdict.kind).toBe('ambiguous');
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

test('a mapping holds only while name, identity, sequence, serial and size all do', () => {
  const known = device('vdb', { serial: 'x' });
  expect(isStill(known, device('vdb', { serial: 'x' }))).toBe(true);
  for (const change of [{ dev: '7:1' }, { diskseq: '2' }, { serial: 'y' }, { sizeBytes: 1 }, { name: 'vdc' }]) {
    expect(isStill(known, device('vdb', { serial: 'x', ...change }))).toBe(false);
  }
});
