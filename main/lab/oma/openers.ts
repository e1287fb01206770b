import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../json-file.ts';

/** Which of these nodes a process has open now, as far as this user may look. */
export async function openNodes(nodes: readonly string[]): Promise<ReadonlySet<string>> {
  const wanted = new Set(nodes);
  const open = new Set<string>();
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const target of await descriptorsOf(pid)) if (wanted.has(target)) open.add(target);
  }
  return open;
}

async function descriptorsOf(pid: string): Promise<string[]> {
  const folder = join('/proc', pid, 'fd');
  try {
    const names = await readdir(folder);
    return await Promise.all(names.map((name) => targetOf(join(folder, name))));
  } catch (error) {
    // It ended meanwhile, or belongs to somebody else.
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return [];
    throw error;
  }
}

async function targetOf(link: string): Promise<string> {
  try {
    return await readlink(link);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return '';
    throw error;
  }
}
