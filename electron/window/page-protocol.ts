import { readFile } from 'node:fs/promises';
import { extname, resolve, sep } from 'node:path';
import type { Protocol } from 'electron';
import type { Log } from '../../main/ports/log.ts';
import { pageOrigin, pageScheme } from './page-address.ts';

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
};

/** Only what we ship runs or loads; the page has no inline script and no style element. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const everyReply = {
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
};

/** Must run before the app is ready. */
export function registerPageScheme(protocol: Protocol): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true, corsEnabled: true } },
  ]);
}

export function servePages(options: { readonly protocol: Protocol; readonly dir: string; readonly log: Log }): void {
  options.protocol.handle(pageScheme, async (request) => {
    const url = new URL(request.url);
    const file = fileOf(url, options.dir);
    if (request.method !== 'GET' || file === undefined) return refuse(404);
    try {
      const content = await readFile(file);
      const contentType = contentTypes[extname(file)] ?? 'application/octet-stream';
      return new Response(new Uint8Array(content), { headers: { ...everyReply, 'Content-Type': contentType } });
    } catch (error) {
      options.log.error('page file not readable', { file, cause: String(error) });
      return refuse(404);
    }
  });
}

function fileOf(url: URL, dir: string): string | undefined {
  if (`${url.protocol}//${url.host}` !== pageOrigin) return undefined;
  const path = url.pathname === '/' ? '/index.html' : decodeURIComponent(url.pathname);
  const file = resolve(dir, `.${path}`);
  return file.startsWith(`${resolve(dir)}${sep}`) ? file : undefined;
}

const refuse = (status: number): Response => new Response('', { status, headers: everyReply });
