import type { IpcMain } from 'electron';
import type { Log } from '../../main/ports/log.ts';
import type { Closing } from '../window/closing.ts';
import { channels } from './channels.ts';
import { parseWindowMessage } from './requests.ts';
import { requireOwnPage } from './trusted-sender.ts';

/** What the page tells its window; it never acts on anything but this window. */
export function bindWindow(options: {
  readonly ipcMain: IpcMain;
  readonly closing: Closing;
  readonly onInteractive: () => void;
  readonly log: Log;
}): void {
  const { ipcMain, closing, onInteractive, log } = options;
  const act = {
    interactive: onInteractive,
    asking: closing.asking,
    quit: closing.quitNow,
    'keep-running': closing.keepRunning,
  };
  ipcMain.on(channels.window, (event, value: unknown) => {
    try {
      requireOwnPage(event);
      act[parseWindowMessage(value).kind]();
    } catch (error) {
      log.warn('message of the page refused', { cause: String(error) });
    }
  });
}
