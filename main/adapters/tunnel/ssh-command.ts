import { AppError } from '../../../shared/errors.ts';

/** Where the tunnel leads through. Paths and names only: nothing of it is secret. */
export type SshLink = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private key without a passphrase, for its owner only. */
  readonly keyFile: string;
  /** Holds the accepted key of the host; no other file is asked. */
  readonly knownHostsFile: string;
};

export type Ends = {
  readonly localPort: number;
  /** As the SSH server sees it. */
  readonly target: { readonly host: string; readonly port: number };
};

/** A dead peer is noticed after this many unanswered questions. */
const aliveEverySeconds = 5;
const aliveQuestions = 3;

const options = [
  'BatchMode=yes',
  'StrictHostKeyChecking=yes',
  'GlobalKnownHostsFile=none',
  'UpdateHostKeys=no',
  'IdentitiesOnly=yes',
  'IdentityAgent=none',
  'ExitOnForwardFailure=yes',
  'ConnectTimeout=10',
  `ServerAliveInterval=${aliveEverySeconds}`,
  `ServerAliveCountMax=${aliveQuestions}`,
  // Data of disks: the cheapest of the modern ciphers first, and no compression on the way.
  'Ciphers=^aes128-gcm@openssh.com',
  'Compression=no',
];

/** Arguments of ssh. No configuration of the user is read: it could run commands or open other ways. */
export function sshArguments(link: SshLink, { localPort, target }: Ends): string[] {
  const { host, port, user, keyFile, knownHostsFile } = link;
  for (const name of [host, user, target.host]) requirePlain(name);
  return [
    ...['-F', 'none', '-N', '-T', '-i', keyFile, '-l', user, '-p', String(port)],
    ...['-L', `127.0.0.1:${localPort}:${target.host}:${target.port}`],
    ...options.flatMap((option) => ['-o', option]),
    ...['-o', `UserKnownHostsFile="${quotable(knownHostsFile)}"`, '--', host],
  ];
}

/** ssh reads % and ${} in its options, and would take a name that begins with a dash for one. */
function requirePlain(name: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name)) return;
  throw new AppError('INVALID_REQUEST', `ssh cannot be given this name safely: ${name}`);
}

function quotable(path: string): string {
  if (path.startsWith('/') && !/["%$\n\\]/.test(path)) return path;
  throw new AppError('INVALID_REQUEST', `ssh cannot be given this path safely: ${path}`);
}
