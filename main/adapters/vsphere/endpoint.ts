import { isIP } from 'node:net';
import { AppError } from '../../../shared/errors.ts';

export type Endpoint = {
  /** Without a trailing slash: `https://vcenter.example`. */
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  /** null for an address: TLS names no addresses. */
  readonly servername: string | null;
};

export function endpointOf(url: string): Endpoint {
  const parsed = parse(url);
  if (parsed?.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '') {
    throw new AppError('INVALID_REQUEST', 'The address of a vCenter is https://HOST/sdk, without a user in it.');
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  return {
    origin: parsed.origin,
    host,
    port: parsed.port === '' ? 443 : Number(parsed.port),
    servername: isIP(host) === 0 ? host : null,
  };
}

/** URL.canParse is newer than the oldest runtime. */
function parse(url: string): URL | null {
  try {
    return new URL(url);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
