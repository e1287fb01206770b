import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');

const notOurs = new Set(['node_modules', 'dist', '.setup', 'test-output', '.git']);

/** Every file of the repository, as paths relative to it. */
export async function listFiles(under = ''): Promise<string[]> {
  const entries = await readdir(join(repository, under), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (under === '' && notOurs.has(entry.name)) continue;
    const path = under === '' ? entry.name : `${under}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await listFiles(path)));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}

export type PlantedTree = { readonly dir: string; remove(): Promise<void> };

/** A small tree of its own under the real configuration files, to show what the checks say about the given files. */
export async function plantTree(files: Readonly<Record<string, string>>): Promise<PlantedTree> {
  const dir = await mkdtemp(join(tmpdir(), 'ossea-planted-'));
  for (const name of ['package.json', 'tsconfig.json', 'eslint.config.js', '.dependency-cruiser.cjs']) {
    await cp(join(repository, name), join(dir, name));
  }
  for (const folder of ['shared', 'main', 'electron', 'renderer', 'test']) {
    await mkdir(join(dir, folder), { recursive: true });
    await cp(join(repository, folder, 'tsconfig.json'), join(dir, folder, 'tsconfig.json'));
  }
  await symlink(join(repository, 'node_modules'), join(dir, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs one of the installed development programs to its end, whatever its exit code. */
export function runTool(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  return runProgram(join(repository, 'node_modules/.bin', program), args, cwd);
}

export function runProgram(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${program} did not run`, { cause: error }));
    });
  });
}
