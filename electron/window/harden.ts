import type { App, Session } from 'electron';
import { pageOrigin } from './page-address.ts';

/** Applies to every web contents this process will ever have, not only to the window we make. */
export function hardenContents(app: App): void {
  app.on('web-contents-created', (_created, contents) => {
    // The page changes only its hash, which is no navigation: every real one is foreign.
    contents.on('will-navigate', (event) => {
      event.preventDefault();
    });
    contents.on('will-redirect', (event) => {
      event.preventDefault();
    });
    contents.on('will-attach-webview', (event) => {
      event.preventDefault();
    });
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  });
}

/** No camera, no location, no notification: a click on a copy button is all the page may ask for. */
export function denyPermissions(session: Session): void {
  const allowed = (permission: string, url: string): boolean =>
    permission === 'clipboard-sanitized-write' && url.startsWith(`${pageOrigin}/`);
  session.setPermissionRequestHandler((...[, permission, decide, details]) => {
    decide(allowed(permission, details.requestingUrl));
  });
  session.setPermissionCheckHandler((_contents, permission, origin) => allowed(permission, `${origin}/`));
  session.setDevicePermissionHandler(() => false);
}
