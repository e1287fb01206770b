import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sign, signedForm } from './signature.ts';

type Vector = { params: Record<string, string>; secret: string; signature: string };

const folder = new URL('../../../test/fixtures/cloudstack/', import.meta.url);
const vectors = JSON.parse(readFileSync(new URL('signature-vectors.json', folder), 'utf8')) as Vector[];

describe('the signature of a call', () => {
  test.each(vectors.map((vector) => [vector.params['command'], vector] as const))(
    'of %s is the one that Java computes',
    (_command, { params, secret, signature }) => {
      expect(sign(params, secret)).toBe(signature);
    },
  );

  test('travels escaped, and the secret does not travel', () => {
    const form = signedForm({ command: 'createVolume', name: "a b~(c)'" }, 'the-secret');
    expect(form).toContain('name=a%20b%7E%28c%29%27');
    expect(form).toMatch(/signature=[A-Za-z0-9%]+%3D/);
    expect(form).not.toContain('the-secret');
    expect(new URLSearchParams(form).get('name')).toBe("a b~(c)'");
  });
});
