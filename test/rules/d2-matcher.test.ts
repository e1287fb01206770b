import { describe, expect, test } from 'vitest';
import { matchVolume, type Verdict } from '../../main/correlation/match.ts';
import type { BlockDevice } from '../../main/domain/device.ts';
import { draw } from './d2-events.ts';
import { type Matcher, ours, runHistories } from './d2-histories.ts';

const seed = Number(process.env['OSSEA_SEED'] ?? Date.now() % 1_000_000_000);

const proved = (device: BlockDevice | undefined): Verdict =>
  device === undefined
    ? { kind: 'none' }
    : { kind: 'proved', device, evidence: { kind: 'only-new-device', sizeBytes: device.sizeBytes } };

/** Each is ours but for one thing. */
const wrongMatchers: Readonly<Record<string, Partial<Matcher>>> = {
  'goes by size alone': {
    match: ({ sizeBytes }, { now }) => proved(now.devices.find((device) => device.sizeBytes === sizeBytes)),
  },
  'takes the next letter': {
    match: (_wanted, { now }) => proved([...now.devices].sort((a, b) => (a.name < b.name ? 1 : -1))[0]),
  },
  'takes the first of two': {
    match: (wanted, knowledge) => {
      const verdict = matchVolume(wanted, knowledge);
      return verdict.kind === 'ambiguous' ? proved(verdict.candidates[0]) : verdict;
    },
  },
  'takes a disk that is too small': {
    match: (wanted, knowledge) => {
      const verdict = matchVolume(wanted, knowledge);
      return verdict.kind === 'too-small' ? proved(verdict.device) : verdict;
    },
  },
  'ignores the boot id of what was there before': {
    match: (wanted, knowledge) => {
      const before = knowledge.before === null ? null : { ...knowledge.before, bootId: knowledge.now.bootId };
      return matchVolume(wanted, { ...knowledge, before });
    },
  },
  'ignores the boot id of a mapping': {
    holds: (known, now) => ours.holds({ ...known, bootId: now.bootId }, now),
  },
  'ignores the sequence number of a mapping': {
    holds: ({ device, bootId }, now) => {
      const found = now.devices.find(({ name }) => name === device.name);
      return found && ours.holds({ device: { ...device, diskseq: found.diskseq }, bootId }, now);
    },
  },
  'ignores the sequence number of what was there before': {
    match: (wanted, knowledge) => {
      const known = (device: BlockDevice): BlockDevice => ({ ...device, diskseq: null });
      const before = knowledge.before && { ...knowledge.before, devices: knowledge.before.devices.map(known) };
      const verdict = matchVolume(wanted, {
        ...knowledge,
        before,
        now: { ...knowledge.now, devices: knowledge.now.devices.map(known) },
      });
      return verdict.kind === 'proved'
        ? proved(knowledge.now.devices.find(({ name }) => name === verdict.device.name))
        : verdict;
    },
  },
  'goes by the name of a mapping': {
    holds: ({ device }, now) => now.devices.find(({ name }) => name === device.name),
  },
  'does not know of other attaches': {
    match: (wanted, knowledge) => matchVolume(wanted, { ...knowledge, others: [] }),
  },
  'takes a newcomer where its serial is awaited': {
    match: (wanted, knowledge, before) => matchVolume(wanted, { ...knowledge, before }),
  },
  'ignores where the link leads': {
    match: (wanted, knowledge) => {
      const devices = knowledge.now.devices.map(({ byIdLeadsTo: _, ...device }) => device);
      return matchVolume(wanted, { ...knowledge, now: { ...knowledge.now, devices } });
    },
  },
  'proves nothing at all': { match: () => ({ kind: 'none' }) },
  'proves nothing without serials': {
    match: (wanted, knowledge) => matchVolume(wanted, { ...knowledge, before: null }),
  },
};

describe('rule D2: whatever happens to a host, a proof names the right device', () => {
  test(`100,000 histories of disks (OSSEA_SEED=${seed}): none wrong, and every proof that can be had is had`, () => {
    const { fault, histories, proved: proofs, confirmed, happened } = runHistories({ seed, count: 100_000 });
    expect(fault).toBeNull();
    expect(histories).toBe(100_000);
    console.log(`${proofs} proofs, ${confirmed} mappings found still true, in ${histories} histories`);
    // No kind of event may be one that never happens.
    expect([...happened.keys()].sort()).toEqual([...new Set(draw)].sort());
  });

  // Always the same histories: whether the property catches them is no matter of luck.
  test.each(Object.entries(wrongMatchers))('and a matcher that %s is caught within 2,000 histories', (_how, wrong) => {
    const { fault } = runHistories({ seed: 1, count: 2_000, matcher: { ...ours, ...wrong } });
    expect(fault).toMatch(/^(WRONG|MISSED): .*replay: OSSEA_SEED=\d+/);
  });
});
