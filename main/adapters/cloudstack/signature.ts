import { createHmac } from 'node:crypto';

export type Parameters = Readonly<Record<string, string>>;

/** The server signs what Java's URLEncoder makes of a value, so `!'()~` must be escaped as well. */
const encodeValue = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

const sorted = (parameters: Parameters): [string, string][] =>
  Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));

/** HMAC-SHA1 over the sorted, encoded, lower-cased parameters, in Base64. Names are signed as they are. */
export function sign(parameters: Parameters, secret: string): string {
  const text = sorted(parameters)
    .map(([name, value]) => `${name}=${encodeValue(value)}`)
    .join('&')
    .toLowerCase();
  return createHmac('sha1', secret).update(text, 'utf8').digest('base64');
}

/** The form body of a signed call. */
export const signedForm = (parameters: Parameters, secret: string): string =>
  sorted({ ...parameters, signature: sign(parameters, secret) })
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeValue(value)}`)
    .join('&');
