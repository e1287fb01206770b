import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders and programs of a test, ended and removed in reverse order whatever the test did. */
export function createScratch() {
  const undo: (() => Promise<void>)[] = [];
  return {
    async dir(): Promise<string> {
      const dir = await mkdtemp(join(tmpdir(), 'ossea-e2e-'));
      undo.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
      return dir;
    },
    onEnd(work: () => Promise<void>): void {
      undo.push(work);
    },
    async end(): Promise<void> {
      for (let work = undo.pop(); work !== undefined; work = undo.pop()) await work();
    },
  };
}
export type Scratch = ReturnType<typeof createScratch>;
