import { createHmac, timingSafeEqual } from 'node:crypto';
import { unauthorised } from '../api-error.ts';

/** java.net.URLEncoder leaves only letters, digits and `.-*_`; the server turns its `+` into `%20`. */
const javaEncode = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Parameters sorted as Java compares strings (by code unit, capitals first); names are not encoded. */
export function textToSign(parameters: ReadonlyMap<string, string>): string {
  return [...parameters]
    .filter(([name]) => name.toLowerCase() !== 'signature')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${javaEncode(value)}`)
    .join('&')
    .toLowerCase();
}

export const signatureOf = (parameters: ReadonlyMap<string, string>, secretKey: string): string =>
  createHmac('sha1', secretKey).update(textToSign(parameters), 'utf8').digest('base64');

type Rules = {
  readonly secretKey: string;
  readonly nowMs: number;
  readonly enforcePostAndTimestamps: boolean;
  readonly method: string;
};

const MAX_AHEAD_MS = 15 * 60_000;

/** As verifyRequest of the management server, once the key was found: every refusal is the same 401. */
export function verifySignature(parameters: ReadonlyMap<string, string>, rules: Rules): void {
  const given = new Map([...parameters].map(([name, value]) => [name.toLowerCase(), value]));
  const signature = given.get('signature');
  if (signature === undefined) throw unauthorised();

  const withExpiry = given.get('signatureversion') === '3';
  if (withExpiry) {
    const expiresAt = parseExpiry(given.get('expires'));
    if (expiresAt === null || expiresAt < rules.nowMs) throw unauthorised();
    if (rules.enforcePostAndTimestamps && expiresAt > rules.nowMs + MAX_AHEAD_MS) throw unauthorised();
  }
  const changesSomething = !/^(list|query|get|find)/i.test(given.get('command') ?? '');
  if (rules.enforcePostAndTimestamps && changesSomething && (!withExpiry || rules.method !== 'POST')) {
    throw unauthorised();
  }
  const expected = Buffer.from(signatureOf(parameters, rules.secretKey));
  const actual = Buffer.from(signature);
  if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) throw unauthorised();
}

/** `yyyy-MM-dd'T'HH:mm:ssZ`: an offset like +0000, or the letter Z. */
function parseExpiry(text: string | undefined): number | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:Z|([+-]\d\d):?(\d\d))$/.exec(text ?? '');
  if (match === null) return null;
  const at = Date.parse(`${match[1] ?? ''}${match[2] === undefined ? 'Z' : `${match[2]}:${match[3] ?? '00'}`}`);
  return Number.isNaN(at) ? null : at;
}
