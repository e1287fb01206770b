import { rename, writeFile } from 'node:fs/promises';
import type { BrowserWindow } from 'electron';

/** Writes what the window shows as a PNG; whole or not at all. */
export async function saveScreenshot(window: BrowserWindow, path: string): Promise<void> {
  const image = await window.webContents.capturePage();
  const unfinished = `${path}.part`;
  await writeFile(unfinished, image.toPNG());
  await rename(unfinished, path);
}
