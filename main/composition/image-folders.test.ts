import { expect, test } from 'vitest';
import type { SourceVm } from '../domain/vm.ts';
import type { Sources } from '../ports/sources.ts';
import { imageFolders } from './image-folders.ts';

const vm = (vmId: string, name: string): SourceVm => ({
  sourceKind: 'images',
  sourceId: 'site',
  vmId,
  name,
  cpuCount: 1,
  memoryMib: 1,
  firmware: 'bios',
  guestOs: '',
  powerState: 'off',
  disks: [],
  nics: [],
});
const folder = (...vms: SourceVm[]): Sources => ({
  list: () => Promise.resolve(vms),
  state: () => Promise.reject(new Error('not asked')),
  allocated: () => Promise.reject(new Error('not asked')),
});
const { signal } = new AbortController();

test('two folders are one source', async () => {
  const source = imageFolders([folder(vm('a', 'web')), folder(vm('b', 'db'))]);
  expect((await source.list({ signal })).map((found) => found.name)).toEqual(['web', 'db']);
});

test('one id in two folders is refused: the wrong VM could be migrated', async () => {
  const source = imageFolders([folder(vm('a', 'web')), folder(vm('a', 'db'))]);
  await expect(source.list({ signal })).rejects.toMatchObject({
    code: 'SOURCE_UNREADABLE',
    details: { names: ['web', 'db'] },
  });
});
