import { expect, test } from 'vitest';
import { catalogue } from '../../shared/errors.ts';

test('every error says what happened and what to do, in sentences', () => {
  const wrong = Object.entries(catalogue).filter(
    ([, entry]) => !/^[A-Z].{8,}\.$/s.test(entry.summary) || !/^[A-Z`].{4,}\.$/s.test(entry.remedy),
  );
  expect(wrong.map(([code]) => code)).toEqual([]);
});

test('error codes are in alphabetical order and written in capitals', () => {
  const codes = Object.keys(catalogue);
  expect(codes).toEqual([...codes].sort());
  expect(codes.filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code))).toEqual([]);
});
