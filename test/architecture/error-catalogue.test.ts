import { expect, test } from 'vitest';
import { catalogue } from '../../shared/errors.ts';
import { vcenterErrors } from '../../shared/vcenter-errors.ts';
import { vmaErrors } from '../../shared/vma-errors.ts';

test('every error says what happened and what to do, in sentences', () => {
  const wrong = Object.entries(catalogue).filter(
    ([, entry]) => !/^[A-Z].{8,}\.$/s.test(entry.summary) || !/^[A-Z`].{4,}\.$/s.test(entry.remedy),
  );
  expect(wrong.map(([code]) => code)).toEqual([]);
});

test('error codes are in alphabetical order within their part, and written in capitals', () => {
  const codes = Object.keys(catalogue);
  const parts = [Object.keys(vcenterErrors), Object.keys(vmaErrors)];
  const own = codes.filter((code) => !parts.flat().includes(code));
  for (const part of [own, ...parts]) expect(part).toEqual([...part].sort());
  expect(codes.filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code))).toEqual([]);
});
