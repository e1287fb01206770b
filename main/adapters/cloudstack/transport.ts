import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { envelopeOf, refusalOf, unreachable } from './failures.ts';
import { type Parameters, signedForm } from './signature.ts';

export type CloudStackOptions = {
  /** The API endpoint, e.g. `https://cloud.example/client/api`. */
  readonly url: string;
  readonly apiKey: string;
  /** Asked for at every call, so that a locked vault is noticed and no copy is kept. */
  readonly secret: () => string;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
};

/** One call and what is inside the envelope of its answer. */
export type Call = (
  command: string,
  parameters: Parameters,
  options: Signalled,
) => Promise<Readonly<Record<string, unknown>>>;

export type Transport = {
  /** May be repeated freely: on lost connections, 429 and 5xx it waits and asks again. */
  readonly read: Call;
  /** Sent once. After CLOUD_UNREACHABLE it may have been carried out. */
  readonly write: Call;
};

const TIMEOUT_MS = 30_000;
const LIFETIME_MS = 10 * 60_000;
const READ_WAITS_MS = [250, 500, 1_000, 2_000];
/** Below this the Date header, which has whole seconds, says nothing about our clock. */
const SKEW_NOTICED_MS = 5_000;

export function createTransport(options: CloudStackOptions): Transport {
  const { clock } = options;
  let skewMs = 0;

  const send = async (command: string, parameters: Parameters, signalled: Signalled): Promise<Answer> => {
    const expiresMs = Date.parse(clock.now()) + skewMs + LIFETIME_MS;
    // eslint-disable-next-line no-restricted-syntax -- converts a given time, reads no clock
    const expires = `${new Date(expiresMs).toISOString().slice(0, 19)}+0000`;
    const signed: Parameters = {
      ...parameters,
      apiKey: options.apiKey,
      command,
      response: 'json',
      signatureVersion: '3',
      expires,
    };
    const answer = await exchange(options, { command, form: signedForm(signed, options.secret()) }, signalled);
    if (answer.dateMs !== null) {
      const seenMs = answer.dateMs - Date.parse(clock.now());
      skewMs = Math.abs(seenMs) < SKEW_NOTICED_MS ? 0 : seenMs;
    }
    return answer;
  };

  const once: Call = async (command, parameters, signalled) => {
    const usedSkewMs = skewMs;
    const answer = await send(command, parameters, signalled);
    // Refused by the signature, so nothing was done: if our clock was the reason, the corrected time will do.
    const clockWasWrong = answer.status === 401 && Math.abs(skewMs - usedSkewMs) >= SKEW_NOTICED_MS;
    return contentOf(command, clockWasWrong ? await send(command, parameters, signalled) : answer);
  };

  const read: Call = async (command, parameters, { signal }) => {
    for (const waitMs of READ_WAITS_MS) {
      try {
        return await once(command, parameters, { signal });
      } catch (error) {
        if (!isPassing(error)) throw error;
        await clock.sleep(waitMs, { signal });
      }
    }
    return once(command, parameters, { signal });
  };
  return { read, write: once };
}

type Answer = { readonly status: number; readonly text: string; readonly dateMs: number | null };
type Outgoing = { readonly command: string; readonly form: string };

/** One HTTP exchange within its time limit. The form holds a signature: it appears in no error. */
async function exchange(
  { clock, fetch, url }: CloudStackOptions,
  { command, form }: Outgoing,
  { signal }: Signalled,
): Promise<Answer> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const passOn = (): void => limit.abort(signal.reason);
  signal.addEventListener('abort', passOn, { once: true });
  clock.sleep(TIMEOUT_MS, { signal: limit.signal }).then(
    () => limit.abort(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)),
    // The exchange ended first and took the timer with it.
    () => undefined,
  );
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: form,
      // A redirect would carry the signed form to another place.
      redirect: 'manual',
      signal: limit.signal,
    });
    const text = await response.text();
    const dateMs = Date.parse(response.headers.get('date') ?? '');
    return { status: response.status, text, dateMs: Number.isNaN(dateMs) ? null : dateMs };
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(command, error);
  } finally {
    signal.removeEventListener('abort', passOn);
    limit.abort(new Error('The exchange is over.'));
  }
}

function contentOf(command: string, { status, text }: Answer): Readonly<Record<string, unknown>> {
  if (status !== 200) throw refusalOf(command, status, text);
  const envelope = envelopeOf(text);
  const name = `${command.toLowerCase()}response`;
  const content = envelope?.[name];
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
    // An error under a 200 is still an error: read as a list it would be an empty one, and a volume would seem gone.
    if (Object.hasOwn(content, 'errorcode')) throw refusalOf(command, status, text);
    return content as Record<string, unknown>;
  }
  const keys = envelope === null ? 'no JSON object' : `the keys ${Object.keys(envelope).join(', ')}`;
  throw new AppError('CLOUD_REPLY_INVALID', `${command}: expected ${name}, found ${keys}.`, { command, http: status });
}

/** What may pass by itself: no connection, the rate limit, any 5xx but a limit. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof AppError)) return false;
  if (error.code === 'CLOUD_UNREACHABLE') return true;
  const http = error.details?.['http'];
  return error.code === 'CLOUD_REFUSED' && typeof http === 'number' && http >= 500;
}
