import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { startDaemonProcess } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { interleave, type Table, timeRatio } from './measure.ts';
import { notHere, type Workbench } from './workbench.ts';

const repository = resolve(import.meta.dirname, '../..');
const [ours, bare] = ['our console, data on the screen', 'a bare Electron window'];
const title = 'from the start of the program to an interactive window';
const startLimitMs = 60_000;

/** Both say it after the second frame that the page has painted. */
export async function windowRow(bench: Workbench): Promise<Table> {
  const electron = process.env['OSSEA_ELECTRON'];
  const missing = electron === undefined || !existsSync(electron) ? 'Electron' : null;
  if (missing !== null || electron === undefined || !process.env['DISPLAY']) {
    return { id: 'window', title, figures: [], ratios: [], notes: [notHere(missing ?? 'a display, or Xvfb,')] };
  }
  const dataDir = newDataDir();
  try {
    // An existing data directory: its images and database are made before anything is timed.
    await (await startDaemonProcess({ dataDir })).stop();
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const consoleArgs = [...sandbox, repository, '--lab', '--data-dir', dataDir];
    const bareArgs = [...sandbox, `--user-data-dir=${join(bench.folder, 'bare-profile')}`, writeBareApp(bench.folder)];
    const contenders = [
      { name: ours, run: () => timeToInteractive(bench, electron, consoleArgs) },
      { name: bare, run: () => timeToInteractive(bench, electron, bareArgs) },
    ];
    // Once each, not counted: the files of the runtime come from the disk only then.
    for (const contender of contenders) await contender.run();
    const figures = await interleave(contenders, { ...bench, bytes: null });
    return { id: 'window', title, figures, ratios: timeRatio(figures, { ours, peer: bare, aim: null }), notes: [] };
  } finally {
    removeDataDir(dataDir);
  }
}

async function timeToInteractive({ signal }: Workbench, path: string, args: readonly string[]): Promise<number> {
  signal.throwIfAborted();
  const started = performance.now();
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  const stop = (): void => void child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), startLimitMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return ((await interactiveAt(child)) - started) / 1000;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
    stop();
    await ended;
  }
}

async function interactiveAt(child: ChildProcess): Promise<number> {
  if (child.stderr === null) throw new Error('The window has no standard error.');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes('console interactive')) {
      child.stderr.resume();
      return performance.now();
    }
    said.push(line);
  }
  throw new Error(`The window was not interactive in time:\n${said.slice(-10).join('\n')}`);
}

/** The least that opens a window and tells when its page can be used. */
function writeBareApp(folder: string): string {
  const dir = join(folder, 'bare-window');
  mkdirSync(dir);
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'bare-window', version: '1.0.0', main: 'main.js' }));
  writeFileSync(
    join(dir, 'main.js'),
    `const { app, BrowserWindow } = require('electron');
app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 1360, height: 860, show: false });
  window.once('ready-to-show', () => window.show());
  window.webContents.on('console-message', (_event, _level, text) => {
    if (text === 'ready') process.stderr.write('console interactive\\n');
  });
  window.loadFile('page.html');
});
process.on('SIGTERM', () => app.exit(0));
`,
  );
  const script = `requestAnimationFrame(() => requestAnimationFrame(() => console.log('ready')));`;
  writeFileSync(
    join(dir, 'page.html'),
    `<!doctype html><meta charset="utf-8"><title>Bare</title><p>Ready.</p><script>${script}</script>`,
  );
  return dir;
}
