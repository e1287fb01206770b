import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleWindow, openConsoleWindow } from './console-window.ts';
import { openDisplay } from './display.ts';
import { createScratch } from './scratch.ts';
import { story } from './story.ts';

const hash = /^[0-9a-f]{64}$/;

describe('the first five minutes in the window', () => {
  const scratch = createScratch();
  let window: ConsoleWindow;

  beforeAll(async () => {
    const display = await openDisplay(scratch);
    window = await openConsoleWindow({ scratch, display, dataDir: await scratch.dir() });
  });
  afterAll(() => scratch.end());

  it('shows the VMs of the demo environment, and that it is one', async () => {
    const { page } = window;
    await story(page).opened();
    for (const name of ['pgtest2', 'PGWINTESTBIOS', 'db-01', 'odd-01', 'big-01']) await story(page).row(name).waitFor();
    await page.getByText('Demo environment').waitFor();
    expect(await page.title()).toBe('OSSEA Migration Console');
    await page.getByText('Nothing was started yet.').waitFor();
    await story(page).picture('1-virtual-machines');
  });

  it('opens a VM by keyboard alone and shows its disks', async () => {
    const { page } = window;
    await page.keyboard.press('/');
    await page.keyboard.type('pgwin');
    await page.keyboard.press('Escape');
    await story(page).row('pgtest2').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const pane = page.getByRole('complementary', { name: 'VM PGWINTESTBIOS' });
    await pane.getByText('Hard disk 2').waitFor();
    await story(page).picture('2-virtual-machine');
  });

  it('migrates pgtest2 with two clicks, and proves it', async () => {
    const { page } = window;
    await story(page).startMigration('pgtest2');
    const phases = page.getByRole('list', { name: 'Phases of the migration' }).getByRole('listitem');
    expect(await phases.count()).toBe(7);
    await story(page).waitForProof();
    for (const phase of await phases.all()) expect(await phase.innerText()).toContain(', done');
    await story(page)
      .dock()
      .getByRole('row', { name: /Migrate VM.*pgtest2.*Proved: full/ })
      .waitFor();
    await story(page).picture('3-migration-proved');
  });

  it('shows both hashes, equal, with the device, its evidence and the export', async () => {
    const disk = story(window.page).disk('Hard disk 1');
    const hashes = (await disk.locator('.proof .mono').allInnerTexts()).map((text) => text.trim());
    expect(hashes).toHaveLength(3);
    for (const value of hashes) expect(value).toMatch(hash);
    expect(hashes[0]).toBe(hashes[1]);
    await disk.getByRole('img', { name: 'Source and target are equal' }).waitFor();
    const text = await disk.innerText();
    expect(text).toMatch(/\/dev\/\w+/);
    expect(text).toMatch(/Serial [0-9a-f]{20}|The only new device/);
    expect(text).toMatch(/migration-vol-[0-9a-f-]{36}/);
    expect(text).toContain('100 %');
  });

  it('keeps the mapping with the reason of its end, and the export', async () => {
    const { page } = window;
    await story(page).link('Devices').click();
    await page
      .getByRole('table', { name: 'Device mappings' })
      .getByRole('row', { name: /pgtest2.*Ended/s })
      .waitFor();
    await page
      .getByRole('table', { name: 'NBD exports' })
      .getByText(/^Closed/)
      .first()
      .waitFor();
    await story(page).picture('4-devices-and-exports');
  });

  it('lists every volume operation of it', async () => {
    const { page } = window;
    await story(page).link('Operations').click();
    for (const name of ['Create volume', 'Attach volume', 'Detach volume']) {
      await story(page).row(`${name}.*Completed.*pgtest2`).waitFor();
    }
    await story(page).picture('5-operations');
  });

  it('copies three disks of the same size at once, each with figures of its own', async () => {
    const { page } = window;
    await story(page).startMigration('db-01');
    for (const label of ['Hard disk 1', 'Hard disk 2', 'Hard disk 3']) await story(page).disk(label).waitFor();
    await page
      .getByRole('list', { name: 'Phases of the migration' })
      .getByText(/^Transfer, running$/)
      .waitFor();
    await page.locator('[role=progressbar]:not([aria-valuenow="0"])').first().waitFor();
    await story(page).picture('6-migration-running');
    await story(page).waitForProof();
    const devices = await page.locator('.disk-facts').allInnerTexts();
    expect(new Set(devices.map((text) => /\/dev\/\w+/.exec(text)?.[0])).size).toBe(3);
  });

  it('keeps the theme that a person chose', async () => {
    const { page } = window;
    const scheme = () => page.evaluate(() => document.documentElement.dataset['mantineColorScheme']);
    await page.getByRole('button', { name: /^Theme: system/ }).click();
    expect(await scheme()).toBe('dark');
    await page.reload();
    await page.getByRole('button', { name: /^Theme: dark/ }).waitFor();
    expect(await scheme()).toBe('dark');
  });
});
