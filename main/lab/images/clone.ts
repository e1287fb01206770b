import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { writeFileDurably } from '../json-file.ts';
import { macOf, type VmDefinition, vmIdOf } from './definition.ts';

export type ClonedVm = { readonly vm_id: string; readonly name: string };

/** Adds `copies` VMs with names, ids and addresses of their own over the same image files. Numbers that exist are passed over. */
export async function cloneVm(vmsDir: string, name: string, copies: number): Promise<ClonedVm[]> {
  const present = new Set(await readdir(vmsDir));
  if (!/^[\w.-]+$/.test(name) || !present.has(`${name}.json`)) {
    throw new AppError('NOT_FOUND', `The lab has no VM named ${name}.`);
  }
  const original = JSON.parse(await readFile(join(vmsDir, `${name}.json`), 'utf8')) as VmDefinition;
  const clones: ClonedVm[] = [];
  for (let number = 2; clones.length < copies; number += 1) {
    const cloneName = `${name}-${number}`;
    if (present.has(`${cloneName}.json`)) continue;
    const clone: VmDefinition = {
      ...original,
      vm_id: vmIdOf(cloneName),
      name: cloneName,
      nics: original.nics.map((nic, index) => ({ ...nic, mac: macOf(`${cloneName} ${index}`) })),
    };
    await writeFileDurably(join(vmsDir, `${cloneName}.json`), `${JSON.stringify(clone, null, 2)}\n`, 0o644);
    clones.push({ vm_id: clone.vm_id, name: clone.name });
  }
  return clones;
}
