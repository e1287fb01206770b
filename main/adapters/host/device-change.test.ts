import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changeBetween } from './device-change.ts';
import type { Sighting } from './look.ts';

const disk = fc.record({
  name: fc.constantFrom('vda', 'vdb', 'vdc', 'vdd'),
  dev: fc.constantFrom('252:0', '252:16'),
  sizeBytes: fc.constantFrom(512, 1024),
  diskseq: fc.constantFrom('1', '2', null),
  serial: fc.constantFrom('', 'a'),
});
const sighting = fc
  .record({
    bootId: fc.constantFrom('boot-1', 'boot-2'),
    disks: fc.uniqueArray(disk, { selector: ({ name }) => name }),
  })
  .map(({ bootId, disks }): Sighting => {
    const entries = disks.map((one) => [one.name, { key: '', disk: { ...one, path: `/dev/${one.name}` } }] as const);
    return { bootId, entries: new Map(entries) };
  });

test('whoever keeps a list of disks by the reported changes has what is there', () => {
  fc.assert(
    fc.property(fc.array(sighting, { minLength: 1, maxLength: 5 }), (sightings) => {
      const kept = new Map<string, unknown>();
      let last: Sighting | null = null;
      for (const now of sightings) {
        const change = changeBetween(last, now);
        for (const { name } of change?.removed ?? []) expect(kept.delete(name)).toBe(true);
        for (const { was, is } of change?.changed ?? []) {
          expect(kept.get(was.name)).toEqual(was);
          kept.set(is.name, is);
        }
        for (const one of change?.added ?? []) {
          expect(kept.has(one.name)).toBe(false);
          kept.set(one.name, one);
        }
        expect(Object.fromEntries(kept)).toEqual(
          Object.fromEntries([...now.entries].map(([name, entry]) => [name, entry.disk])),
        );
        last = now;
      }
    }),
  );
});
