import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { writeDurably } from '../processes/durable-file.ts';
import { findProgram } from '../processes/find-program.ts';
import { runProgram } from '../processes/run-program.ts';

/** What nbd-server is told; it reads these files anew at each connection. */
export type NbdTlsFiles = {
  readonly certPath: string;
  readonly keyPath: string;
  readonly clientsPath: string;
  readonly ownDir: string;
};

export type NbdCertificates = {
  readonly files: NbdTlsFiles;
  /** For the clients, which trust this one and no other. */
  readonly serverCertificate: string;
  /** From the next connection on, this certificate opens the exports; the one that `id` had before does not. */
  trust(id: string, certificate: string): void;
  /** From the next connection on it does not; connections that are open are to be fenced (rule N2). */
  revoke(id: string): void;
  trusted(): readonly string[];
};

const validDays = '3650';
/** The daemon looks at its exports, and its own mover writes into them, as a client like all others. */
const ownId = 'oma';

/**
 * A key and a certificate that signs itself, made in place: the key never leaves the folder. Only who made it can use it, and
 * a person or an enrolment carries the certificate to the other side.
 */
export async function makePair(
  pair: {
    readonly dir: string;
    readonly base: string;
    readonly commonName: string;
    readonly addresses?: readonly string[];
  },
  options: Signalled,
): Promise<{ readonly certificate: string }> {
  const { dir, base, commonName, addresses = [] } = pair;
  for (const word of [commonName, ...addresses]) requirePlain(word);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const [certPath, keyPath] = [join(dir, `${base}-cert.pem`), join(dir, `${base}-key.pem`)];
  if (!existsSync(certPath)) {
    const names = addresses.map((address) => `${/^[0-9.]+$/.test(address) ? 'IP' : 'DNS'}:${address}`);
    const made = await runProgram(
      {
        path: findProgram('openssl'),
        args: [
          ...[
            'req',
            '-x509',
            '-nodes',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:prime256v1',
            '-days',
            validDays,
          ],
          ...['-subj', `/CN=${commonName}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
          ...(names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]),
          ...['-keyout', keyPath, '-out', `${certPath}.new`],
        ],
      },
      options,
    );
    if (made.code !== 0) throw new AppError('INTERNAL', `openssl made no certificate: ${made.stderr.trim()}`);
    for (const path of [keyPath, `${certPath}.new`]) chmodSync(path, 0o600);
    // The certificate comes last: a pair that is half made is made again.
    renameSync(`${certPath}.new`, certPath);
  }
  return { certificate: readFileSync(certPath, 'utf8') };
}

function requirePlain(word: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(word))
    throw new AppError('INVALID_REQUEST', `No name for a certificate: ${word}`);
}

function requireClient(id: string): void {
  requirePlain(id);
  if (id === ownId) throw new AppError('INVALID_REQUEST', `${ownId} is the daemon itself.`);
}

/**
 * Who may write into the exports, as a list of certificates and not as what some authority signed: nbd-server 3.24 knows no
 * list of revoked ones, so that a certificate of an authority could only be taken back by taking back all of them.
 */
export async function openNbdCertificates(
  { dir, addresses }: { readonly dir: string; readonly addresses: readonly string[] },
  options: Signalled,
): Promise<NbdCertificates> {
  const { certificate } = await makePair({ dir, base: 'server', commonName: 'ossea-nbd', addresses }, options);
  const clientsDir = join(dir, 'clients');
  mkdirSync(clientsDir, { recursive: true, mode: 0o700 });
  const files: NbdTlsFiles = {
    certPath: join(dir, 'server-cert.pem'),
    keyPath: join(dir, 'server-key.pem'),
    clientsPath: join(dir, 'clients.pem'),
    ownDir: join(dir, 'own'),
  };
  const names = (): string[] =>
    readdirSync(clientsDir)
      .filter((name) => name.endsWith('.pem'))
      .sort();
  const publish = (): void => {
    writeDurably(
      files.clientsPath,
      names()
        .map((name) => readFileSync(join(clientsDir, name), 'utf8'))
        .join(''),
    );
  };
  const own = await makePair({ dir: files.ownDir, base: 'client', commonName: ownId }, options);
  writeDurably(join(files.ownDir, 'ca-cert.pem'), certificate);
  writeDurably(join(clientsDir, `${ownId}.pem`), own.certificate);
  publish();
  return {
    files,
    serverCertificate: certificate,
    trust: (id, pem) => {
      requireClient(id);
      writeDurably(join(clientsDir, `${id}.pem`), onlyCertificate(pem));
      publish();
    },
    revoke: (id) => {
      requireClient(id);
      rmSync(join(clientsDir, `${id}.pem`), { force: true });
      publish();
    },
    trusted: () =>
      names()
        .map((name) => name.slice(0, -'.pem'.length))
        .filter((id) => id !== ownId),
  };
}

/** One certificate that is nobody's authority: what it signs opens nothing. */
function onlyCertificate(pem: string): string {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    throw new AppError('INVALID_REQUEST', 'This is no certificate.', undefined, { cause: error });
  }
  if (certificate.ca)
    throw new AppError('INVALID_REQUEST', 'A certificate of an authority would let in whatever it signs.');
  return certificate.toString();
}
