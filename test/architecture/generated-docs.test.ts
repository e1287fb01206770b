import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository, runProgram } from './repository.ts';

test('the error reference and the OpenAPI document say what the code says (else run: node build/docs.mjs)', async () => {
  const script = join(repository, 'build/docs.mjs');
  expect(await runProgram(process.execPath, [script, '--check'], repository)).toEqual({
    code: 0,
    stdout: 'docs/errors.md is up to date\ndocs/openapi.json is up to date\ndocs/openapi-vma.json is up to date\n',
    stderr: '',
  });
});
