import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../shared/errors.ts';
import type { Clock } from '../ports/clock.ts';

/** Sent by the page with every call: a foreign page cannot set it without a preflight that we never grant. */
const consoleHeader = 'x-ossea-console';
const cookieName = 'ossea_session';
const codeLifeMs = 15 * 60_000;

export type Auth = {
  /** Refuses foreign Host and Origin (DNS rebinding, cross-site requests). */
  checkOrigin(request: FastifyRequest): void;
  /** Returns who asks, or throws UNAUTHORIZED. */
  identify(request: FastifyRequest): string;
  issueCode(): string;
  /** Exchanges a one-time code for the value of the session cookie. */
  exchange(code: string): { readonly cookie: string };
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const same = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

export function createAuth(options: {
  readonly token: string;
  readonly port: () => number;
  readonly clock: Clock;
}): Auth {
  const codes = new Map<string, number>();
  const sessions = new Set<string>();
  const origins = (): string[] => ['127.0.0.1', 'localhost'].map((host) => `http://${host}:${String(options.port())}`);

  const hasSession = (request: FastifyRequest): boolean => {
    const cookies = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
    const value = cookies.find(([name]) => name === cookieName)?.[1];
    return value !== undefined && sessions.has(value);
  };

  return {
    checkOrigin: (request) => {
      const host = request.headers.host ?? '';
      if (!origins().includes(`http://${host}`))
        throw new AppError('FORBIDDEN', 'The Host header names another server.');
      const { origin } = request.headers;
      if (origin !== undefined && !origins().includes(origin))
        throw new AppError('FORBIDDEN', 'The Origin is foreign.');
    },
    identify: (request) => {
      const [scheme, token] = (request.headers.authorization ?? '').split(' ');
      if (scheme === 'Bearer' && token !== undefined && same(token, options.token)) return 'token';
      if (!hasSession(request)) throw new AppError('UNAUTHORIZED');
      if (request.headers[consoleHeader] === undefined)
        throw new AppError('FORBIDDEN', `The header ${consoleHeader} is missing.`);
      return 'browser';
    },
    issueCode: () => {
      const code = randomBytes(24).toString('base64url');
      codes.set(code, options.clock.monotonicMs() + codeLifeMs);
      return code;
    },
    exchange: (code) => {
      const expires = codes.get(code);
      codes.delete(code);
      if (expires === undefined || expires < options.clock.monotonicMs())
        throw new AppError('UNAUTHORIZED', 'The code was used already or is too old.');
      const session = randomBytes(32).toString('base64url');
      sessions.add(session);
      return { cookie: `${cookieName}=${session}; HttpOnly; SameSite=Strict; Path=/` };
    },
  };
}
