import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sandboxArgs } from './console-window.ts';
import { chromiumPath, osseaPath } from './programs.ts';
import { createScratch, type Scratch } from './scratch.ts';
import { story } from './story.ts';

const quietly = [
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** `ossea serve` prints the address that signs a browser in once. */
async function serve(scratch: Scratch, dataDir: string) {
  const child = spawn(process.execPath, [osseaPath, 'serve', '--lab', '--port', '0', '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  scratch.onEnd(stop);
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /http:\/\/127\.0\.0\.1:\d+\/#code=\S+/.exec(line)?.[0];
    if (address !== undefined) return { address, stop };
  }
  throw new Error('the daemon ended without an address');
}

describe.skipIf(chromiumPath === null)('the same pages in a browser (needs Chromium)', () => {
  const scratch = createScratch();
  let browser: Browser;
  let daemon: Awaited<ReturnType<typeof serve>>;
  let page: Page;

  beforeAll(async () => {
    daemon = await serve(scratch, await scratch.dir());
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: [...sandboxArgs(), ...quietly] });
    scratch.onEnd(() => browser.close());
    page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
  });
  afterAll(() => scratch.end());

  it('signs in with the printed address and takes the code out of the address bar', async () => {
    await page.goto(daemon.address);
    await story(page).opened();
    expect(page.url()).not.toContain('code=');
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.getByText('Demo environment').waitFor();
  });

  it('migrates odd-01 to a proof', async () => {
    await story(page).startMigration('odd-01');
    await story(page).waitForProof();
    await page.getByRole('img', { name: 'Source and target are equal' }).waitFor();
    await story(page).picture('10-browser');
  });

  it('stays signed in after a reload, at the same page', async () => {
    await page.reload();
    await page.getByRole('heading', { name: 'Migrations / odd-01' }).waitFor();
  });

  it('says what to do without a session, and with a code that was used', async () => {
    for (const address of [daemon.address, new URL('/', daemon.address).href]) {
      const stranger = await browser.newPage();
      await stranger.goto(address);
      await stranger.getByRole('heading', { name: 'Open the address that the daemon printed' }).waitFor();
      await stranger.close();
    }
  });

  it('needs no style, script or policy that the window does not have', async () => {
    const violations: string[] = [];
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) violations.push(message.text());
    });
    await page.reload();
    await story(page).link('Virtual machines').click();
    await story(page).row('db-01').click();
    await page.getByRole('button', { name: /^Theme/ }).hover();
    await page.getByRole('tooltip').waitFor();
    expect(violations).toEqual([]);
  });

  it('keeps the page when the daemon goes away, and says since when', async () => {
    await daemon.stop();
    await page.getByText(/^Last seen .* ago$/).waitFor();
    await page.getByRole('complementary', { name: 'VM db-01' }).waitFor();
  });
});
