import { afterEach, describe, expect, it } from 'vitest';
import { type ConsoleWindow, openConsoleWindow } from './console-window.ts';
import { openDisplay } from './display.ts';
import { createScratch } from './scratch.ts';
import { story } from './story.ts';

const closeWindow = ({ app }: ConsoleWindow): Promise<void> =>
  app.evaluate(({ BrowserWindow }) => {
    BrowserWindow.getAllWindows()[0]?.close();
  });

describe('closing the window', () => {
  let scratch = createScratch();
  afterEach(async () => {
    await scratch.end();
    scratch = createScratch();
  });

  it('just quits when nothing runs', async () => {
    const window = await openConsoleWindow({
      scratch,
      display: await openDisplay(scratch),
      dataDir: await scratch.dir(),
    });
    await story(window.page).opened();
    await closeWindow(window);
    expect(await window.ended).toBe(0);
  });

  it('asks while a migration runs, and the migration goes on at the next start', async () => {
    const display = await openDisplay(scratch);
    const dataDir = await scratch.dir();
    const first = await openConsoleWindow({ scratch, display, dataDir });
    await story(first.page).opened();
    await story(first.page).startMigration('db-01');

    await closeWindow(first);
    const question = first.page.getByRole('alertdialog', { name: 'Quit the console?' });
    await question.getByText('1 migration is running.').waitFor();
    await story(first.page).picture('7-quit');
    await first.page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });

    await closeWindow(first);
    await question.getByRole('button', { name: 'Quit' }).click();
    expect(await first.ended).toBe(0);

    const second = await openConsoleWindow({ scratch, display, dataDir });
    await story(second.page).link('Migrations').click();
    await second.page.getByRole('table', { name: 'Migrations' }).getByRole('row', { name: /db-01/ }).click();
    await story(second.page).waitForProof();
  });

  it('quits at the second request, whatever the page does', async () => {
    const window = await openConsoleWindow({
      scratch,
      display: await openDisplay(scratch),
      dataDir: await scratch.dir(),
    });
    await story(window.page).opened();
    await story(window.page).startMigration('db-01');
    await closeWindow(window);
    await window.page.getByRole('alertdialog').waitFor();
    await closeWindow(window);
    expect(await window.ended).toBe(0);
  });
});
