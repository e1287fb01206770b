import { defineConfig } from 'vitest/config';

const shared = {
  // No retries: a test that fails sometimes is a failing test.
  retry: 0,
  environment: 'node' as const,
  restoreMocks: true,
};

/** Real programs share this machine: suites that load it run one file at a time. */
const project = (name: string, include: string[], more: { testTimeout: number; fileParallelism: boolean }) => ({
  test: { ...shared, name, include, hookTimeout: more.testTimeout, ...more },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', ['{shared,main,electron,renderer}/**/*.test.{ts,tsx}', 'test/architecture/**/*.test.ts'], {
        testTimeout: 60_000,
        fileParallelism: true,
      }),
      project('contract', ['test/contract/**/*.test.ts'], { testTimeout: 120_000, fileParallelism: true }),
      project('rules', ['test/{rules,incidents}/**/*.test.ts'], { testTimeout: 180_000, fileParallelism: true }),
      project('integration', ['test/integration/**/*.test.ts'], { testTimeout: 240_000, fileParallelism: false }),
      project('chaos', ['test/chaos/**/*.test.ts'], { testTimeout: 900_000, fileParallelism: true }),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 180_000, fileParallelism: false }),
      project('soak', ['test/soak/**/*.test.ts'], { testTimeout: 3_600_000, fileParallelism: false }),
    ],
  },
});
