import { describe, expect, it } from 'vitest';
import { formatBytes } from '../../shared/units.ts';
import { formatSeconds, formatTimeLeft, percentOf } from './format.ts';

describe('figures as words', () => {
  it('uses IEC units and keeps whole numbers whole', () => {
    expect([0, 512, 65536, 67109376, 1.5 * 2 ** 30, 4 * 2 ** 40].map(formatBytes)).toEqual([
      '0 B',
      '512 B',
      '64 KiB',
      '64.0 MiB',
      '1.50 GiB',
      '4 TiB',
    ]);
  });

  it('says durations as a person would', () => {
    expect([0.24, 4, 59.6, 61, 3725].map(formatSeconds)).toEqual([
      '0.2 s',
      '4 s',
      '1 min 0 s',
      '1 min 1 s',
      '1 h 2 min',
    ]);
    expect([null, 0.2, 7.3, 90].map(formatTimeLeft)).toEqual(['–', '1 s', '8 s', '1 min 30 s']);
  });

  it('never says 100 % before everything is there', () => {
    expect(percentOf(999_999_999, 1_000_000_000)).toBeLessThan(100);
    expect(percentOf(1, 1)).toBe(100);
    expect(percentOf(0, 0)).toBe(0);
  });
});
