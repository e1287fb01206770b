import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from './repository.ts';
import { judge, readRequirements } from './requirements.ts';

const document = join(repository, 'docs/requirements.md');

test('every requirement is built and shown by a test, or says that it is open', () => {
  const rows = readRequirements(readFileSync(document, 'utf8'));
  const open = rows.filter((row) => row.builtIn.toLowerCase() === 'open').length;
  process.stdout.write(`requirements: ${rows.length} rows, ${rows.length - open} built, ${open} open\n`);
  expect(rows.length).toBeGreaterThan(0);
  expect(
    rows.map((row) => judge(row, (path) => existsSync(join(repository, path)))).filter((wrong) => wrong !== null),
  ).toEqual([]);
  const ids = rows.map((row) => row.id);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test('a row that claims what is not there is refused', () => {
  const table = `| id | requirement | built in | shown by |
| --- | --- | --- | --- |
| A1 | true | \`main/a.ts\` | \`test/a.test.ts\` "copies" |
| A2 | not yet | open | open |
| A3 | no such file | main/gone.ts | test/a.test.ts |
| A4 | no such test | main/a.ts | test/gone.test.ts |
| A5 | nothing named | | |
| A6 | half | main/a.ts | open |
| A7 | no test | main/a.ts | main/a.ts |
`;
  const known = new Set(['main/a.ts', 'test/a.test.ts']);
  const verdicts = readRequirements(table).map((row) => [row.id, judge(row, (path) => known.has(path))]);
  expect(verdicts).toEqual([
    ['A1', null],
    ['A2', null],
    ['A3', 'A3: main/gone.ts does not exist'],
    ['A4', 'A4: test/gone.test.ts does not exist'],
    ['A5', 'A5: names no file'],
    ['A6', 'A6: half open'],
    ['A7', 'A7: main/a.ts is no test'],
  ]);
});
