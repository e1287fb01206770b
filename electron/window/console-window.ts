import { BrowserWindow } from 'electron';

/** Painted before the page is; the same as --page in renderer/ui/tokens.css. */
const firstPaint = '#12161b';

export function createConsoleWindow(options: { readonly preload: string }): BrowserWindow {
  const window = new BrowserWindow({
    title: 'OSSEA Migration Console',
    width: 1360,
    height: 860,
    minWidth: 1024,
    minHeight: 700,
    show: false,
    backgroundColor: firstPaint,
    autoHideMenuBar: true,
    webPreferences: {
      preload: options.preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
      // A migration is watched for hours in a window behind others; throttled timers would show old figures.
      backgroundThrottling: false,
    },
  });
  window.once('ready-to-show', () => {
    window.show();
  });
  return window;
}
