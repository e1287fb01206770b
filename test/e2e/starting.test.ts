import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { consoleEnvironment, openConsoleWindow, sandboxArgs } from './console-window.ts';
import { openDisplay } from './display.ts';
import { appDir, electronPath } from './programs.ts';
import { createScratch } from './scratch.ts';
import { story } from './story.ts';

describe('starting the console', () => {
  let scratch = createScratch();
  afterEach(async () => {
    await scratch.end();
    scratch = createScratch();
  });

  const run = async (args: readonly string[], more: Readonly<Record<string, string>>) => {
    const env = { ...consoleEnvironment(await openDisplay(scratch)), ...more };
    const child = spawn(electronPath, [...sandboxArgs(), appDir, ...args], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stderr };
  };

  it('refuses a wrong command line with 64', async () => {
    const { code, stderr } = await run(['--data-dir'], {});
    expect(code).toBe(64);
    expect(stderr).toContain('--data-dir needs a directory');
  });

  it('leaves a picture of the first page and ends with 0', async () => {
    const dir = await scratch.dir();
    const path = join(dir, 'console.png');
    const { code } = await run(['--lab', '--data-dir', join(dir, 'data')], { OSSEA_SCREENSHOT: path });
    expect(code).toBe(0);
    const png = await readFile(path);
    expect(png.subarray(1, 4).toString()).toBe('PNG');
  });

  it('shows in the page why a data directory could not be opened, and ends with 69', async () => {
    const display = await openDisplay(scratch);
    const dataDir = await scratch.dir();
    const real = await openConsoleWindow({ scratch, display, dataDir, lab: false });
    await real.page.getByRole('navigation').waitFor();
    real.app.process().kill('SIGTERM');
    expect(await real.ended).toBe(0);

    const wrong = await openConsoleWindow({ scratch, display, dataDir });
    const card = wrong.page.getByRole('alert');
    await card.getByText('DATA_DIR_KIND').waitFor();
    await card.getByText('Use another data directory.').waitFor();
    await story(wrong.page).picture('8-not-opened');
    await wrong.app.evaluate(({ BrowserWindow }) => {
      BrowserWindow.getAllWindows()[0]?.close();
    });
    expect(await wrong.ended).toBe(69);
  });

  it('becomes a client of the console that already owns the data directory', async () => {
    const display = await openDisplay(scratch);
    const dataDir = await scratch.dir();
    const owner = await openConsoleWindow({ scratch, display, dataDir });
    await story(owner.page).opened();
    const second = await openConsoleWindow({ scratch, display, dataDir });
    await second.page.getByText('Second window').waitFor();
    await story(second.page).startMigration('pgtest2');
    await story(owner.page)
      .dock()
      .getByRole('row', { name: /Migrate VM.*pgtest2/ })
      .waitFor();
    await story(second.page).waitForProof();

    owner.app.process().kill('SIGTERM');
    expect(await owner.ended).toBe(0);
    await second.page.getByText(/^Last seen .* ago$/).waitFor();
    await story(second.page).disk('Hard disk 1').waitFor();
    await story(second.page).picture('9-disconnected');
  });

  it('ends with 70 and no modal dialog after an error that nobody expected, and starts again', async () => {
    const display = await openDisplay(scratch);
    const dataDir = await scratch.dir();
    const window = await openConsoleWindow({ scratch, display, dataDir });
    await story(window.page).opened();
    await window.app.evaluate(() => {
      setTimeout(() => {
        throw new Error('a bug');
      }, 0);
    });
    expect(await window.ended).toBe(70);

    // The demo environment outlives a crash; the next console finds it, and ends it when it is closed.
    const next = await openConsoleWindow({ scratch, display, dataDir });
    await story(next.page).opened();
  });
});
