import { once } from 'node:events';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { appDir, electronPath } from './programs.ts';
import type { Scratch } from './scratch.ts';

export type ConsoleWindow = {
  readonly app: ElectronApplication;
  readonly page: Page;
  /** Resolves with the exit code when the program ends by itself. */
  readonly ended: Promise<number | null>;
};

type Options = {
  readonly scratch: Scratch;
  readonly display: string;
  readonly dataDir: string;
  readonly lab?: boolean;
};

/** Starts the real window with Playwright; whatever becomes of it, it is gone when the scratch ends. */
export async function openConsoleWindow({ scratch, display, dataDir, lab = true }: Options): Promise<ConsoleWindow> {
  const app = await _electron.launch({
    executablePath: electronPath,
    args: [...sandboxArgs(), appDir, ...(lab ? ['--lab'] : []), '--data-dir', dataDir],
    env: consoleEnvironment(display),
  });
  const child = app.process();
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  scratch.onEnd(async () => {
    // SIGTERM is quitting without the question: movers stop at a checkpoint.
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  });
  const page = await app.firstWindow();
  return { app, page, ended };
}

/** Chromium refuses its sandbox as root. */
export const sandboxArgs = (): string[] => (process.getuid?.() === 0 ? ['--no-sandbox'] : []);

export const consoleEnvironment = (display: string): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  ),
  DISPLAY: display,
});
