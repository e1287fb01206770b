import { describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.ts';

const from = { cwd: '/srv', home: '/home/admin', xdgDataHome: undefined };

describe('the command line of the console', () => {
  it('keeps the demo environment and real sites in two directories', () => {
    expect(readCommandLine(['.', '--lab'], from)).toEqual({
      lab: true,
      dataDir: '/home/admin/.local/share/ossea-migration-console/lab',
    });
    expect(readCommandLine(['.'], { ...from, xdgDataHome: '/data' })).toEqual({
      lab: false,
      dataDir: '/data/ossea-migration-console/main',
    });
  });

  it('takes a directory in both spellings, beside switches of Chromium', () => {
    expect(readCommandLine(['--no-sandbox', '.', '--data-dir', 'x', '--inspect=0'], from).dataDir).toBe('/srv/x');
    expect(readCommandLine(['.', '--data-dir=/var/lib/x'], from).dataDir).toBe('/var/lib/x');
  });

  it('asks for a directory where there is no home', () => {
    expect(() => readCommandLine(['.'], { ...from, home: '' })).toThrow('name one with --data-dir');
  });

  it('refuses a directory that was forgotten', () => {
    for (const words of [['--data-dir'], ['--data-dir='], ['--data-dir', '--lab']]) {
      expect(() => readCommandLine(words, from)).toThrow('--data-dir needs a directory');
    }
  });
});
