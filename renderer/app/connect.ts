import type { Bridge, Environment } from '../../shared/client/bridge.ts';
import { createHttpTransport, type Fetch, signIn } from '../../shared/client/http-transport.ts';
import type { Transport } from '../../shared/client/transport.ts';
import { fromErrorBody } from '../../shared/errors.ts';
import { createIpcTransport } from './ipc-transport.ts';

declare global {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- only an interface adds to the DOM's own
  interface Window {
    /** Only in Electron; in a browser the same pages speak HTTP. */
    readonly ossea?: Bridge;
  }
}

/** A foreign page cannot set this header, so it cannot use our cookie. */
const ownPage = { 'X-OSSEA-Console': '1' };

export type Connected = { readonly transport: Transport; readonly environment: Environment | null };

/** Where the page runs decides how it reaches the daemon; everything after this line is the same. */
export async function connect(page: Window, signal: AbortSignal): Promise<Connected> {
  if (page.ossea !== undefined) {
    const opened = await page.ossea.environment();
    if (!opened.ok) throw fromErrorBody(opened.error);
    return { transport: createIpcTransport(page.ossea), environment: opened.value };
  }
  const fetch: Fetch = (url, init) => page.fetch(url, { ...init, credentials: 'same-origin', cache: 'no-store' });
  const ownOrigin = { origin: '', headers: ownPage, fetch };
  const code = takeCode(page);
  if (code !== null) await signIn(ownOrigin, code, signal);
  return { transport: createHttpTransport(ownOrigin), environment: null };
}

/** The code works once; it leaves the address bar and the history before it is used. */
function takeCode(page: Window): string | null {
  const match = /^#code=(.+)$/.exec(page.location.hash);
  if (match?.[1] === undefined) return null;
  page.history.replaceState(null, '', page.location.pathname);
  return decodeURIComponent(match[1]);
}
