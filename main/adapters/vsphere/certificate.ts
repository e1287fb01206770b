import { createHash, X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { VcenterCertificate } from '../../ports/vcenter.ts';
import { withinLimit } from '../processes/within-limit.ts';
import { endpointOf } from './endpoint.ts';
import { unreachable } from './unreachable.ts';

const handshakeMs = 15_000;

/** Looks at the certificate and sends nothing. Whether to believe it is for a person to say. */
export async function readCertificate(
  url: string,
  { clock, signal }: Signalled & { readonly clock: Clock },
): Promise<VcenterCertificate> {
  const { host, port, servername } = endpointOf(url);
  return withinLimit({ clock, signal, timeoutMs: handshakeMs, code: 'VCENTER_UNREACHABLE' }, (limit) => {
    // The pin, not a chain, is what makes it trusted: vCenters sign their own certificates.
    const socket = connect({ host, port, ...(servername === null ? {} : { servername }), rejectUnauthorized: false });
    const stop = (): void => void socket.destroy(limit.reason as Error);
    limit.addEventListener('abort', stop, { once: true });
    return new Promise<VcenterCertificate>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        const seen = certificateOf(socket);
        if (seen === null) reject(new Error('the server showed no certificate'));
        else resolve(seen);
      });
    })
      .catch((error: unknown) => {
        limit.throwIfAborted();
        throw unreachable(`${host}:${port}`, error);
      })
      .finally(() => {
        limit.removeEventListener('abort', stop);
        socket.destroy();
      });
  });
}

export function certificateOf(socket: TLSSocket): VcenterCertificate | null {
  const raw = (socket.getPeerCertificate(false) as { raw?: Buffer } | null)?.raw;
  if (raw === undefined) return null;
  const certificate = new X509Certificate(raw);
  const { subject, issuer, validFrom, validTo } = certificate;
  return {
    sha256: createHash('sha256').update(raw).digest('hex'),
    subject: subject.replaceAll('\n', ', '),
    issuer: issuer.replaceAll('\n', ', '),
    validFrom: utc(validFrom),
    validTo: utc(validTo),
    pem: certificate.toString(),
  };
}

// eslint-disable-next-line no-restricted-syntax -- converts a given time, reads no clock
const utc = (text: string): string => new Date(text).toISOString();

/** null when it is the one that was accepted. */
export function certificateChange(seen: VcenterCertificate | null, accepted: string): AppError | null {
  if (seen?.sha256 === accepted) return null;
  const shown = seen === null ? 'none' : seen.sha256;
  return new AppError('VCENTER_CERTIFICATE_CHANGED', `Accepted was ${accepted}, shown is ${shown}.`, {
    accepted_sha256: accepted,
    shown: seen,
  });
}
