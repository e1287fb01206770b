import { describe, expect, test } from 'vitest';
import { AppError } from '../../shared/errors.ts';
import { firstAfter, lastBetween, requireTimetable, type Timetable } from './timetable.ts';

const berlin = 'Europe/Berlin';

function next(timetable: Timetable, from: string, count: number): string[] {
  const found: string[] = [];
  for (let at: string | null = from; found.length < count; ) {
    at = firstAfter(timetable, at);
    if (at === null) break;
    found.push(at.replace('.000Z', 'Z'));
  }
  return found;
}

describe('when the clocks go forward', () => {
  test('half past two, which that night has not, comes when the gap ends, once, and the next night as usual', () => {
    expect(next({ cron: '30 2 * * *', timeZone: berlin }, '2027-03-26T12:00:00Z', 3)).toEqual([
      '2027-03-27T01:30:00Z',
      '2027-03-28T01:00:00Z',
      '2027-03-29T00:30:00Z',
    ]);
    expect(next({ cron: '30 2 * * *', timeZone: 'America/New_York' }, '2027-03-13T12:00:00Z', 2)).toEqual([
      '2027-03-14T07:00:00Z',
      '2027-03-15T06:30:00Z',
    ]);
  });

  test('every half hour stays every half hour', () => {
    expect(next({ cron: '*/30 * * * *', timeZone: berlin }, '2027-03-28T00:20:00Z', 4)).toEqual([
      '2027-03-28T00:30:00Z',
      '2027-03-28T01:00:00Z',
      '2027-03-28T01:30:00Z',
      '2027-03-28T02:00:00Z',
    ]);
  });

  test('a gap of half an hour, in Lord Howe', () => {
    expect(next({ cron: '15 2 * * *', timeZone: 'Australia/Lord_Howe' }, '2027-10-02T00:00:00Z', 2)).toEqual([
      '2027-10-02T15:30:00Z',
      '2027-10-03T15:15:00Z',
    ]);
  });
});

describe('when the clocks go back', () => {
  test('half past two, which that night has twice, comes once', () => {
    expect(next({ cron: '30 2 * * *', timeZone: berlin }, '2027-10-30T12:00:00Z', 2)).toEqual([
      '2027-10-31T00:30:00Z',
      '2027-11-01T01:30:00Z',
    ]);
    expect(next({ cron: '30 1 * * *', timeZone: 'America/New_York' }, '2027-11-06T12:00:00Z', 2)).toEqual([
      '2027-11-07T05:30:00Z',
      '2027-11-08T06:30:00Z',
    ]);
  });

  test('every hour stays every hour, in the hour that comes twice too', () => {
    expect(next({ cron: '0 * * * *', timeZone: berlin }, '2027-10-30T22:20:00Z', 4)).toEqual([
      '2027-10-30T23:00:00Z',
      '2027-10-31T00:00:00Z',
      '2027-10-31T01:00:00Z',
      '2027-10-31T02:00:00Z',
    ]);
  });
});

describe('what was missed', () => {
  const minutely = { cron: '* * * * *', timeZone: 'UTC' };
  const counts = () => true;

  test('the newest one is found, however many came before it', () => {
    const span = { after: '2020-01-01T00:00:00.000Z', until: '2027-01-01T00:00:30.000Z' };
    expect(lastBetween(minutely, span, counts)).toBe('2027-01-01T00:00:00.000Z');
    expect(lastBetween({ cron: '0 0 29 2 *', timeZone: 'UTC' }, span, counts)).toBe('2024-02-29T00:00:00.000Z');
  });

  test('the instant it was settled until is not missed again', () => {
    const until = '2027-01-01T00:00:30.000Z';
    expect(lastBetween(minutely, { after: '2027-01-01T00:00:00.000Z', until }, counts)).toBeNull();
    expect(lastBetween(minutely, { after: until, until }, counts)).toBeNull();
  });

  test('one that does not count yet leaves the one before it', () => {
    const span = { after: '2026-12-31T23:00:00.000Z', until: '2027-01-01T00:00:30.000Z' };
    expect(lastBetween(minutely, span, (at) => at < '2027-01-01T00:00:00.000Z')).toBe('2026-12-31T23:59:00.000Z');
  });

  test('it is the one that counting from the start finds, over both changes of the clocks', () => {
    for (const cron of ['30 2 * * *', '*/20 1-3 * * *', '0 2 * * 0', '15 * 28-31 3,10 *']) {
      const all = next({ cron, timeZone: berlin }, '2027-03-20T00:00:00Z', 400);
      for (const [index, at] of all.slice(0, -1).entries()) {
        const span = { after: '2027-03-20T00:00:00.000Z', until: at.replace('Z', '.500Z') };
        expect(lastBetween({ cron, timeZone: berlin }, span, counts)?.replace('.000Z', 'Z')).toBe(all[index]);
      }
    }
  });
});

describe('what is no timetable', () => {
  const problem = (cron: string, timeZone = 'UTC'): string | undefined => {
    try {
      requireTimetable({ cron, timeZone }, '2027-01-01T00:00:00.000Z');
      return undefined;
    } catch (error) {
      return error instanceof AppError ? error.reason : 'not an AppError';
    }
  };

  test('five fields pass', () => {
    for (const cron of ['0 2 * * *', '*/15 8-18 * * MON-FRI', '0 0 13 * 5', '5 4 L * *', '0 0 29 2 *'])
      expect(problem(cron)).toBeUndefined();
    expect(problem('0 2 * * *', 'America/Argentina/Buenos_Aires')).toBeUndefined();
  });

  test.each([
    ['* * * * * *', 'cron: it has six fields; there are five, because seconds are not taken.'],
    ['0 2 * *', 'cron: five fields are needed: minute, hour, day, month, weekday.'],
    ['@daily', 'cron: five fields are needed: minute, hour, day, month, weekday.'],
    ['61 * * * *', 'cron: Invalid value for minute: 61.'],
    ['0 0 30 2 *', 'cron: it names a day that never comes.'],
  ])('%s: %s', (cron, words) => {
    expect(problem(cron)).toBe(words);
  });

  test.each(['Mars/Base', '+02:00', ''])('the time zone "%s"', (timeZone) => {
    expect(problem('0 2 * * *', timeZone)).toContain('is no time zone of the IANA list');
  });
});
