import { Agent, buildConnector } from 'undici';
import { certificateChange, certificateOf } from './certificate.ts';

const connectMs = 15_000;

/** A connection that shows another certificate is never handed on, so not one byte of a request goes there. */
export function pinnedAgent(certificateSha256: string): Agent {
  const connectTls = buildConnector({
    rejectUnauthorized: false,
    // A resumed TLS session shows no certificate.
    maxCachedSessions: 0,
    timeout: connectMs,
  });
  return new Agent({
    connect: (target, callback) => {
      connectTls(target, (error, socket) => {
        if (error !== null) {
          callback(error, null);
          return;
        }
        const seen = 'getPeerCertificate' in socket ? certificateOf(socket) : null;
        const change = certificateChange(seen, certificateSha256);
        if (change === null) {
          callback(null, socket);
          return;
        }
        socket.destroy();
        callback(change, null);
      });
    },
    // withinLimit is the one clock of an exchange.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
