import { AppError } from '../../../shared/errors.ts';

/** One export section of our nbd-server's file. The file is the truth of what is open (a killed daemon reads it back). */
export type ExportSection = { readonly name: string; readonly linkPath: string };

/** nbd-server refuses to start without a section; this one can never be opened. */
const placeholder = 'ossea-none';

/** Clients are let in by their certificates alone; only so may others than this machine reach the port. */
export type NbdTls = {
  /** All addresses of this machine, or the loopback one; its own look at the exports goes over the latter. */
  readonly listenAddress: '0.0.0.0' | '127.0.0.1';
  readonly certPath: string;
  readonly keyPath: string;
  /** The certificates of the clients, one after the other. */
  readonly clientsPath: string;
  /** The daemon's own client: ca-cert.pem, client-cert.pem, client-key.pem. */
  readonly ownDir: string;
};

/** Rule N3: flush and fua, no maxconnections (it counts for ever), absolute paths, one address. */
export function renderConfig({
  port,
  prerunPath,
  sections,
  tls = null,
}: {
  readonly port: number;
  readonly prerunPath: string;
  readonly sections: readonly ExportSection[];
  readonly tls?: NbdTls | null;
}): string {
  const lines = [
    '[generic]',
    ...listenLines(tls),
    `port = ${port}`,
    'allowlist = true',
    'max_threads = 4',
    `[${placeholder}]`,
    'exportname = /nonexistent',
  ];
  for (const { name, linkPath } of sections) {
    // exec: without it dash stands between the server's child and the script, and the script would stamp dash.
    lines.push(
      `[${name}]`,
      `exportname = ${plainPath(linkPath)}`,
      `prerun = exec '${plainPath(prerunPath)}' '%s'`,
      'flush = true',
      'fua = true',
      'trim = true',
    );
  }
  return `${lines.join('\n')}\n`;
}

function listenLines(tls: NbdTls | null): string[] {
  if (tls === null) return ['listenaddr = 127.0.0.1'];
  return [
    `listenaddr = ${tls.listenAddress}`,
    `certfile = ${plainPath(tls.certPath)}`,
    `keyfile = ${plainPath(tls.keyPath)}`,
    `cacertfile = ${plainPath(tls.clientsPath)}`,
    'force_tls = true',
  ];
}

export function parseConfig(text: string): ExportSection[] {
  const sections: ExportSection[] = [];
  let name: string | null = null;
  for (const line of text.split('\n')) {
    name = /^\[(.+)\]$/.exec(line)?.[1] ?? name;
    const linkPath = /^exportname = (.+)$/.exec(line)?.[1];
    if (linkPath !== undefined && name !== null && name !== placeholder) sections.push({ name, linkPath });
  }
  return sections;
}

/** nbd-server hands the prerun line to a shell through a format string and reads the file with escapes. */
function plainPath(path: string): string {
  if (!path.startsWith('/') || /['%\\\n]/.test(path)) {
    throw new AppError('EXPORT_FAILED', `nbd-server cannot use this path safely: ${path}`, { path });
  }
  return path;
}
