import { type AppError, catalogue } from '../../shared/errors.ts';

const longest = 200;

/** What a list shows beside the status: the code and one sentence. The whole cause stays in the error document and the log. */
export function shortReason(error: AppError): string {
  const lines = (error.reason ?? '').trim().split('\n');
  const sentence = /^.+?[.!?](?=\s|$)/.exec(lines[0] ?? '')?.[0] ?? lines[0] ?? '';
  const text = sentence === '' ? catalogue[error.code].summary : sentence;
  return `${error.code}: ${text.length > longest ? `${text.slice(0, longest - 1)}…` : text}`;
}
