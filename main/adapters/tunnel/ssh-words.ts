import { AppError, type ErrorCode } from '../../../shared/errors.ts';

/** ssh ends with 255 whatever happened; only its words tell. */
const meanings: readonly (readonly [RegExp, ErrorCode])[] = [
  [/Host key verification failed|host key is known for/i, 'TUNNEL_HOST_KEY'],
  [/Permission denied|Too many authentication failures|UNPROTECTED PRIVATE KEY|invalid format/, 'TUNNEL_KEY_REFUSED'],
  [/administratively prohibited/, 'TUNNEL_FORWARD_REFUSED'],
];

export const portWasTaken = (words: string): boolean =>
  /Address already in use|cannot listen to port|Could not request local forwarding/.test(words);

export function tunnelError(words: string, exit: string): AppError {
  const meaning = meanings.find(([pattern]) => pattern.test(words));
  const text = words.trim();
  return new AppError(meaning?.[1] ?? 'TUNNEL_LOST', text === '' ? `ssh ended: ${exit}.` : text);
}
