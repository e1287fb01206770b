import type { IpcMainEvent, IpcMainInvokeEvent } from 'electron';
import { AppError } from '../../shared/errors.ts';
import { isPage } from '../window/page-address.ts';

/** Only the main frame of our own page may speak; a frame inside it, another window or a foreign page may not. */
export function requireOwnPage(event: IpcMainEvent | IpcMainInvokeEvent): void {
  const frame = event.senderFrame;
  if (frame !== null && frame === event.sender.mainFrame && isPage(frame.url)) return;
  throw new AppError('FORBIDDEN', `The request came from ${frame?.url ?? 'a frame that is gone'}.`);
}
