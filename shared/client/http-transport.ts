import { endpoints } from '../contract/all.ts';
import { type NameIn, rowOf, type Table } from '../contract/endpoint.ts';
import { errorBody } from '../contract/fields.ts';
import { AppError, fromErrorBody } from '../errors.ts';
import { readEventStream } from './event-stream.ts';
import type { RawCall, RawInput, Transport } from './transport.ts';

type Body = { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> } };
type Answer = {
  readonly ok: boolean;
  readonly status: number;
  readonly body: Body | null;
  text(): Promise<string>;
  json(): Promise<unknown>;
};
type Init = {
  readonly method?: string;
  readonly signal: AbortSignal;
  readonly headers: Record<string, string>;
  readonly body?: string;
};
export type Fetch = (url: string, init: Init) => Promise<Answer>;

type Options = {
  /** Before the path, e.g. `http://127.0.0.1:8090`; empty for the page's own origin. */
  readonly origin: string;
  /** Sent with every call: the bearer of a client, or the mark of our own page. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: Fetch;
};

/** Calls of one table over HTTP. */
export function createHttpCall<T extends Table>(table: T, { origin, headers, fetch }: Options): RawCall<NameIn<T>> {
  return async (name, input, { signal, idempotencyKey: key }) => {
    const { method, path } = rowOf(table, name);
    const hasBody = input.body !== undefined;
    const answer = await send(fetch, origin + addressOf(path, input), {
      method,
      signal,
      headers: {
        ...headers,
        Accept: 'application/json',
        ...(hasBody ? { 'Content-Type': 'application/json' } : {}),
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
      },
      ...(hasBody ? { body: JSON.stringify(input.body) } : {}),
    });
    return await answer.json();
  };
}

/** The transport of every client outside the daemon's process: browser, CLI, a second console. */
export function createHttpTransport(options: Options): Transport {
  const { origin, headers, fetch } = options;
  return {
    call: createHttpCall(endpoints, options),
    feed: async (after, deliver, { signal }) => {
      const url = origin + addressOf(endpoints.listEvents.path, { query: { after } });
      const answer = await opened(signal, () =>
        send(fetch, url, { signal, headers: { ...headers, Accept: 'text/event-stream' } }),
      );
      if (answer === null) return;
      if (answer.body === null) throw new AppError('DAEMON_UNREACHABLE', 'The feed has no body.');
      try {
        await readEventStream(answer.body, (text) => {
          deliver(JSON.parse(text));
        });
      } catch (error) {
        if (signal.aborted) return;
        throw error instanceof AppError ? error : unreachable(error);
      }
      if (!signal.aborted) throw new AppError('DAEMON_UNREACHABLE', 'The daemon ended the feed.');
    },
  };
}

/** Exchanges the one-time code of the printed address for a cookie that no script can read. */
export async function signIn(options: Options, code: string, signal: AbortSignal): Promise<void> {
  await send(options.fetch, `${options.origin}/api/v1/session`, {
    method: 'POST',
    signal,
    headers: { ...options.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ code }),
  });
}

/** Null when the subscriber went away while the feed was being opened: that is the end it asked for. */
async function opened(signal: AbortSignal, open: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await open();
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

async function send(fetch: Fetch, url: string, init: Init): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    init.signal.throwIfAborted();
    throw unreachable(error);
  }
  if (answer.ok) return answer;
  throw await readFailure(answer);
}

async function readFailure(answer: Answer): Promise<AppError> {
  const text = await answer.text();
  const status = `HTTP ${String(answer.status)}`;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return new AppError('DAEMON_UNREACHABLE', `${status} without an error document.`);
  }
  const parsed = errorBody.safeParse(body);
  return parsed.success ? fromErrorBody(parsed.data) : new AppError('INTERNAL', `${status}: ${text.slice(0, 200)}`);
}

const unreachable = (error: unknown): AppError =>
  new AppError('DAEMON_UNREACHABLE', error instanceof Error ? error.message : String(error), undefined, {
    cause: error,
  });

function addressOf(path: string, input: RawInput): string {
  const params = textsOf(input.params);
  const filled = path.replace(/:([a-z_]+)/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
  const query = new URLSearchParams(textsOf(input.query)).toString();
  return query === '' ? filled : `${filled}?${query}`;
}

function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => (part === undefined ? [] : [[name, String(part)]])),
  );
}
