import type { IpcMain, WebContents } from 'electron';
import type { Log } from '../../main/ports/log.ts';
import type { Environment } from '../../shared/client/bridge.ts';
import type { Transport } from '../../shared/client/transport.ts';
import { AppError } from '../../shared/errors.ts';
import { channels } from './channels.ts';
import { envelope } from './envelope.ts';
import { parseCall, parseCancel, parseFeed } from './requests.ts';
import { requireOwnPage } from './trusted-sender.ts';

type Options = {
  readonly ipcMain: IpcMain;
  readonly page: WebContents;
  /** Calls that arrive while the data directory is being opened wait for it, and fail with its error. */
  readonly opened: Promise<{ readonly transport: Transport; readonly environment: Environment }>;
  readonly log: Log;
};

/** The contract over IPC: check the sender, parse, hand on. Nothing is decided here. */
export function bindDaemon({ ipcMain, page, opened, log }: Options): void {
  const running = new Map<number, AbortController>();

  const withSignal = async <T>(id: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    if (running.has(id)) throw new AppError('INVALID_REQUEST', `Call ${String(id)} is already running.`);
    const controller = new AbortController();
    running.set(id, controller);
    try {
      return await work(controller.signal);
    } finally {
      running.delete(id);
    }
  };

  ipcMain.handle(channels.environment, (event) =>
    envelope(async () => {
      requireOwnPage(event);
      return (await opened).environment;
    }),
  );

  ipcMain.handle(channels.call, (event, value: unknown) =>
    envelope(async () => {
      requireOwnPage(event);
      const { id, name, input } = parseCall(value);
      return withSignal(id, async (signal) => (await opened).transport.call(name, input, { signal }));
    }),
  );

  ipcMain.handle(channels.feed, (event, value: unknown) =>
    envelope(async () => {
      requireOwnPage(event);
      const { id, after } = parseFeed(value);
      const deliver = (message: unknown): void => {
        if (!page.isDestroyed()) page.send(channels.feed, { id, message });
      };
      return withSignal(id, async (signal) => (await opened).transport.feed(after, deliver, { signal }));
    }),
  );

  ipcMain.on(channels.cancel, (event, value: unknown) => {
    try {
      requireOwnPage(event);
      running.get(parseCancel(value).id)?.abort(new AppError('CANCELLED'));
    } catch (error) {
      log.warn('cancel refused', { cause: String(error) });
    }
  });

  const abortAll = (): void => {
    for (const controller of running.values()) controller.abort(new AppError('CANCELLED'));
  };
  // A reloaded page starts its ids again; what the old one asked for has no reader any more.
  page.on('did-start-navigation', (details) => {
    if (details.isMainFrame && !details.isSameDocument) abortAll();
  });
  page.on('render-process-gone', abortAll);
  page.on('destroyed', abortAll);
}
