import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleWindow, openConsoleWindow } from './console-window.ts';
import { openDisplay } from './display.ts';
import { appDir } from './programs.ts';
import { createScratch } from './scratch.ts';
import { story } from './story.ts';

describe('a page that turned hostile', () => {
  const scratch = createScratch();
  let window: ConsoleWindow;

  beforeAll(async () => {
    const display = await openDisplay(scratch);
    window = await openConsoleWindow({ scratch, display, dataDir: await scratch.dir() });
    await story(window.page).opened();
  });
  afterAll(() => scratch.end());

  it('has no Node and no Electron, only the six functions of the bridge', async () => {
    const found = await window.page.evaluate(() => ({
      globals: ['require', 'process', 'Buffer', 'module', 'global', 'electron'].filter((name) => name in globalThis),
      bridge: Object.keys((globalThis as unknown as { ossea: object }).ossea).sort(),
    }));
    expect(found.globals).toEqual([]);
    expect(found.bridge).toEqual(['call', 'cancel', 'environment', 'feed', 'onWindow', 'tellWindow']);
  });

  it('runs in an isolated, sandboxed context', async () => {
    const preferences = await window.app.evaluate(({ BrowserWindow }) => {
      const [first] = BrowserWindow.getAllWindows();
      // Not in the types, but the only way to read what the window really got.
      return (first?.webContents as unknown as { getLastWebPreferences(): object }).getLastWebPreferences();
    });
    expect(preferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
    });
  });

  it('cannot run a script, a style or a text that we did not ship, nor reach another host', async () => {
    const violations = await window.page.evaluate(async () => {
      const seen: string[] = [];
      document.addEventListener('securitypolicyviolation', (event) => {
        seen.push(event.effectiveDirective);
      });
      const script = document.createElement('script');
      script.textContent = 'globalThis.injected = true';
      const style = document.createElement('style');
      style.textContent = 'body { display: none }';
      const frame = document.createElement('iframe');
      frame.src = 'https://example.invalid/';
      document.head.append(script, style);
      document.body.append(frame);
      const reached = await fetch('https://example.invalid/').then(
        () => true,
        () => false,
      );
      // As a timer and not directly: what Playwright itself evaluates is exempt from the policy.
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the policy must stop exactly this
      setTimeout('globalThis.evaluated = true', 0);
      await new Promise((done) => setTimeout(done, 0));
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      frame.remove();
      return {
        seen: [...new Set(seen)].sort(),
        reached,
        evaluated: 'evaluated' in globalThis,
        injected: 'injected' in globalThis,
      };
    });
    expect(violations.injected).toBe(false);
    expect(violations.reached).toBe(false);
    expect(violations.evaluated).toBe(false);
    expect(violations.seen).toEqual(
      expect.arrayContaining(['connect-src', 'frame-src', 'script-src-elem', 'style-src-elem']),
    );
    await story(window.page).row('pgtest2').waitFor();
  });

  it('gets its policy as a header too, and no file beside the pages', async () => {
    const { page } = window;
    const policy = await page.evaluate(async () => (await fetch('/')).headers.get('content-security-policy'));
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    const statuses = await page.evaluate(async () => {
      const paths = ['/..%2f..%2fpackage.json', '/%2e%2e/%2e%2e/package.json', '/nothing.js'];
      return Promise.all(paths.map(async (path) => (await fetch(path)).status));
    });
    expect(statuses).toEqual([404, 404, 404]);
  });

  it('is given no permission', async () => {
    const { page } = window;
    expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied');
    const position = await page.evaluate(
      () =>
        new Promise((done) =>
          navigator.geolocation.getCurrentPosition(
            () => done('given'),
            () => done('denied'),
          ),
        ),
    );
    expect(position).toBe('denied');
  });

  it('cannot speak for the console from a foreign window, even with our preload script', async () => {
    const preload = join(appDir, 'dist/electron/preload.cjs');
    const replies = await window.app.evaluate(async ({ BrowserWindow }, path) => {
      const foreign = new BrowserWindow({ show: false, webPreferences: { preload: path, sandbox: true } });
      await foreign.loadURL('data:text/html,<p>foreign</p>');
      const ask = (script: string) => foreign.webContents.executeJavaScript(script) as Promise<unknown>;
      const got = [
        await ask('window.ossea.call(1, "listVms", {})'),
        await ask('window.ossea.feed(2, 0, () => {})'),
        await ask('window.ossea.environment()'),
      ];
      await ask('window.ossea.tellWindow({ kind: "quit" })');
      foreign.destroy();
      return got;
    }, preload);
    for (const reply of replies) expect(reply).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
    await story(window.page).row('pgtest2').waitFor();
  });

  it('is answered with INVALID_REQUEST for what the contract does not know', async () => {
    const codes = await window.page.evaluate(async () => {
      type Ossea = {
        call(id: number, name: string, input: unknown): Promise<{ ok: boolean; error?: { code: string } }>;
      };
      const { ossea } = globalThis as unknown as { ossea: Ossea };
      const asked: [string, unknown][] = [
        ['constructor', {}],
        ['createMigration', { body: { vm_id: '../../etc' } }],
        ['listVms', { extra: true }],
      ];
      const replies = await Promise.all(asked.map(([name, input], index) => ossea.call(900_000 + index, name, input)));
      return replies.map((reply) => reply.error?.code);
    });
    expect(codes).toEqual(['INVALID_REQUEST', 'INVALID_REQUEST', 'INVALID_REQUEST']);
  });

  // Last: Playwright takes the navigation that we refuse for one that is still under way.
  it('cannot navigate away and cannot open a window', async () => {
    const { page, app } = window;
    const opened = await page.evaluate(() => {
      const other = globalThis.open('https://example.invalid/');
      globalThis.location.href = 'https://example.invalid/';
      return other !== null;
    });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    expect(opened).toBe(false);
    expect(page.url()).toMatch(/^ossea:\/\/console\//);
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  });
});
