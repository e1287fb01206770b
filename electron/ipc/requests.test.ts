import { describe, expect, it } from 'vitest';
import { parseCall, parseFeed, parseWindowMessage } from './requests.ts';

const vmId = '019361aa-0000-7000-8000-000000000001';

describe('what the page may ask for', () => {
  it('is a known endpoint with the input of the contract', () => {
    const request = { id: 1, name: 'createMigration', input: { body: { vm_id: vmId } } };
    expect(parseCall(request)).toEqual(request);
  });

  it.each([
    ['an unknown endpoint', { id: 1, name: 'dropEverything', input: {} }],
    ['a name from the prototype', { id: 1, name: 'constructor', input: {} }],
    ['a body that the contract does not know', { id: 1, name: 'createMigration', input: { body: { vm_id: 'x' } } }],
    ['a field too many', { id: 1, name: 'createMigration', input: { body: { vm_id: vmId, force: true } } }],
    ['parameters of another endpoint', { id: 1, name: 'listVms', input: { params: { id: vmId } } }],
    ['no id', { name: 'listVms', input: {} }],
    ['text', 'listVms'],
  ])('is not %s', (_what, request) => {
    expect(() => parseCall(request)).toThrow('not valid');
  });

  it('is not a feed before the first event, and no unknown message to the window', () => {
    expect(() => parseFeed({ id: 1, after: -1 })).toThrow('not valid');
    expect(() => parseWindowMessage({ kind: 'open-file' })).toThrow('not valid');
  });
});
