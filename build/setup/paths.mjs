import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. Everything that set-up makes lies in `.setup`, so removing that folder undoes it. */
export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const setupDir = join(repository, '.setup');
export const toolsDir = join(setupDir, 'tools');
export const debsDir = join(setupDir, 'debs');
export const electronDir = join(setupDir, 'electron');
export const sysrootDir = join(setupDir, 'sysroot');
export const distDir = join(repository, 'dist');
export const testOutputDir = join(repository, 'test-output');
/** Two programs on govmomi for the tests, built from test/vcsim. */
export const vcsimProgram = join(setupDir, 'vcsim/vcsim');
