import { join } from 'node:path';
import { app, type BrowserWindow, ipcMain, Menu, protocol, session } from 'electron';
import { openConsole } from '../main/compose.ts';
import type { Log } from '../main/ports/log.ts';
import type { WindowToPage } from '../shared/client/bridge.ts';
import { toErrorBody } from '../shared/errors.ts';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { exitCodes } from './exit-codes.ts';
import { bindDaemon } from './ipc/bind-daemon.ts';
import { bindWindow } from './ipc/bind-window.ts';
import { channels } from './ipc/channels.ts';
import { createClosing } from './window/closing.ts';
import { createConsoleWindow } from './window/console-window.ts';
import { denyPermissions, hardenContents } from './window/harden.ts';
import { menuTemplate } from './window/menu.ts';
import { pageUrl } from './window/page-address.ts';
import { registerPageScheme, servePages } from './window/page-protocol.ts';
import { saveScreenshot } from './window/screenshot.ts';

type Options = { readonly log: Log; readonly home: string };

/** Movers stop at a checkpoint and exports close; more than this means that something hangs. */
const shutdownMs = 60_000;
const screenshotMs = 120_000;

/** Opens the window at once and the data directory beside it, so that the first page does not wait for the daemon. */
export async function runConsole({ log, home }: Options): Promise<void> {
  // Database, logs and tokens are for this user alone.
  process.umask(0o077);
  const env = process.env;
  const line = readCommandLine(process.argv.slice(1), { cwd: process.cwd(), home, xdgDataHome: env['XDG_DATA_HOME'] });
  registerPageScheme(protocol);
  hardenContents(app);
  app.setPath('userData', join(line.dataDir, 'window'));
  await app.whenReady();

  const dist = join(app.getAppPath(), 'dist');
  servePages({ protocol, dir: join(dist, 'renderer'), log });
  denyPermissions(session.defaultSession);
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate));
  const window = createConsoleWindow({ preload: join(dist, 'electron/preload.cjs') });

  const opened = openDataDir(line, { dist, log });
  const shutDown = createShutdown({ opened, log, tellPage: (message) => tellPage(window, message) });
  const closing = createClosing({
    unfinished: () => opened.then((console) => console.unfinished()),
    tellPage: (message) => tellPage(window, message),
    quit: shutDown,
    startTimer,
  });
  bindDaemon({ ipcMain, page: window.webContents, opened, log });
  bindWindow({
    ipcMain,
    closing,
    log,
    onInteractive: whenInteractive(window, { log, path: env['OSSEA_SCREENSHOT'], quit: closing.quitNow }),
  });
  watchEnds(window, { closing, log });

  opened.catch((error: unknown) => {
    // The page shows it; here it is for whoever started us from a script.
    log.error('data directory not opened', { ...toErrorBody(error) });
    if (env['OSSEA_SCREENSHOT'] !== undefined) closing.quitNow();
  });
  await window.loadURL(pageUrl);
}

async function openDataDir(line: CommandLine, { dist, log }: { readonly dist: string; readonly log: Log }) {
  const version = app.getVersion();
  const console = await openConsole({
    dataDir: line.dataDir,
    lab: line.lab,
    version,
    programs: { execPath: process.execPath, ossea: join(dist, 'ossea.cjs'), hasher: join(dist, 'hasher.cjs') },
    log,
  });
  const { electron, chrome, node } = process.versions;
  return {
    transport: console.transport,
    unfinished: () => console.unfinished(),
    close: () => console.close(),
    environment: {
      lab: console.lab,
      mode: console.mode,
      dataDir: console.dataDir,
      versions: { console: version, electron, chrome, node },
    },
  };
}
type Opened = Awaited<ReturnType<typeof openDataDir>>;

function tellPage(window: BrowserWindow, message: WindowToPage): boolean {
  if (window.isDestroyed() || window.webContents.isCrashed()) return false;
  window.webContents.send(channels.window, message);
  return true;
}

function startTimer(ms: number, onEnd: () => void): () => void {
  const timer = setTimeout(onEnd, ms);
  return () => {
    clearTimeout(timer);
  };
}

function createShutdown(options: {
  readonly opened: Promise<Opened>;
  readonly log: Log;
  readonly tellPage: (message: WindowToPage) => boolean;
}): () => void {
  const { opened, log } = options;
  return () => {
    options.tellPage({ kind: 'quitting' });
    startTimer(shutdownMs, () => {
      log.error('shutdown did not end in time; jobs resume at the next start', { waitedMs: shutdownMs });
      app.exit(exitCodes.internal);
    });
    opened.then(
      (console) =>
        console.close().then(
          () => {
            app.exit(exitCodes.done);
          },
          (error: unknown) => {
            log.error('shutdown failed; jobs resume at the next start', { ...toErrorBody(error) });
            app.exit(exitCodes.internal);
          },
        ),
      () => {
        app.exit(exitCodes.notOpened);
      },
    );
  };
}

function whenInteractive(
  window: BrowserWindow,
  options: { readonly log: Log; readonly path: string | undefined; readonly quit: () => void },
): () => void {
  const { log, path, quit } = options;
  let stopTimer = (): void => undefined;
  if (path !== undefined) {
    stopTimer = startTimer(screenshotMs, () => {
      log.error('no screenshot: the page was not ready in time', { waitedMs: screenshotMs });
      app.exit(exitCodes.internal);
    });
  }
  return () => {
    log.info('console interactive', { sinceStartMs: Math.round(process.uptime() * 1000) });
    stopTimer();
    if (path === undefined) return;
    saveScreenshot(window, path).then(quit, (error: unknown) => {
      log.error('screenshot not written', { path, cause: String(error) });
      app.exit(exitCodes.internal);
    });
  };
}

function watchEnds(
  window: BrowserWindow,
  options: { readonly closing: ReturnType<typeof createClosing>; readonly log: Log },
): void {
  const { closing, log } = options;
  window.on('close', (event) => {
    event.preventDefault();
    closing.requested();
  });
  app.on('before-quit', (event) => {
    event.preventDefault();
    closing.requested();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, closing.quitNow);
  window.webContents.on('render-process-gone', (_event, details) => {
    log.error('the page ended unexpectedly', { reason: details.reason, exitCode: details.exitCode });
    closing.pageGone();
    // The jobs are not in the page: a new one takes up where the feed is.
    if (!closing.isQuitting() && details.reason !== 'launch-failed') window.webContents.reload();
  });
}
