import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noLog } from '../../../test/fixtures/no-log.ts';
import type { Sending } from '../../ports/bandwidth.ts';
import { createBandwidth } from './bandwidth.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ossea-rates-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const mover = (name: string, more: Partial<Sending> = {}): Sending => ({
  jobId: null,
  host: null,
  ratePath: join(folder, name),
  ...more,
});
/** As nbdkit reads it: bits per second, 0 for no limit. */
const bits = (name: string): number => Number(readFileSync(join(folder, name), 'utf8'));

test('who comes takes from the others, who goes gives back, and no limit is a limit of nothing', () => {
  let link: number | null = 900;
  const bandwidth = createBandwidth({ limits: () => ({ link, host: null }), log: noLog });
  const leaveA = bandwidth.join(mover('a'));
  expect(bits('a')).toBe(7200);
  const leaveB = bandwidth.join(mover('b'));
  bandwidth.join(mover('c'));
  expect(['a', 'b', 'c'].map(bits)).toEqual([2400, 2400, 2400]);
  leaveA();
  expect(['b', 'c'].map(bits)).toEqual([3600, 3600]);
  link = null;
  bandwidth.reconsider();
  expect(['b', 'c'].map(bits)).toEqual([0, 0]);
  leaveB();
});

test('a job and a host have limits of their own', () => {
  const bandwidth = createBandwidth({ limits: () => ({ link: null, host: 100 }), log: noLog });
  bandwidth.limitJob('j', 10);
  bandwidth.join(mover('a', { jobId: 'j', host: 'esx1' }));
  bandwidth.join(mover('b', { host: 'esx1' }));
  bandwidth.join(mover('c'));
  expect(['a', 'b', 'c'].map(bits)).toEqual([80, 720, 0]);
  bandwidth.limitJob('j', null);
  expect(['a', 'b', 'c'].map(bits)).toEqual([400, 400, 0]);
});

test('a share that cannot be written keeps a mover from its start, and ends none that runs', () => {
  const bandwidth = createBandwidth({ limits: () => ({ link: 100, host: null }), log: noLog });
  bandwidth.join(mover('gone/a', { ratePath: join(folder, 'a') }));
  expect(() => bandwidth.join(mover('b', { ratePath: join(folder, 'nowhere/b') }))).toThrow('ENOENT');
  const leave = bandwidth.join(mover('c'));
  expect(bits('c')).toBe(400);
  rmSync(join(folder, 'a'));
  leave();
  expect(bits('a')).toBe(800);
});
