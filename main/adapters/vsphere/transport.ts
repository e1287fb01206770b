import { type Agent, type Dispatcher, request } from 'undici';
import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { MoRef } from '../../ports/vcenter.ts';
import { withinLimit } from '../processes/within-limit.ts';
import { endpointOf } from './endpoint.ts';
import { pinnedAgent } from './pinned-agent.ts';
import type { Element } from './soap/element.ts';
import { faultError } from './soap/fault.ts';
import { type Each, type ReplyLimits, readReply } from './soap/read-reply.ts';
import { envelope, type Xml } from './soap/request.ts';
import { unreachable } from './unreachable.ts';

export type Outgoing = {
  readonly method: string;
  readonly self: MoRef;
  readonly args: readonly Xml[];
  readonly cookie?: string | null;
  /** The version whose types vCenter shall speak; an older one hides what it does not know, e.g. a TPM. */
  readonly apiVersion?: string | null;
  readonly each?: Each | undefined;
  readonly timeoutMs?: number | undefined;
};

export type Incoming = { readonly element: Element; readonly cookie: string | null };

export type Transport = {
  send(outgoing: Outgoing, options: Signalled): Promise<Incoming>;
  close(): Promise<void>;
};

const exchangeMs = 120_000;

/** One SOAP call is one HTTPS exchange with the pinned server. A fault is thrown as the error it stands for. */
export function createTransport(options: {
  readonly url: string;
  readonly certificateSha256: string;
  readonly clock: Clock;
  readonly limits?: ReplyLimits | undefined;
}): Transport {
  endpointOf(options.url);
  const agent = pinnedAgent(options.certificateSha256);
  return {
    send: (outgoing, { signal }) => {
      const timeoutMs = outgoing.timeoutMs ?? exchangeMs;
      return withinLimit({ clock: options.clock, timeoutMs, signal, code: 'VCENTER_UNREACHABLE' }, (limit) =>
        exchange({ ...options, agent }, outgoing, limit),
      );
    },
    close: () => agent.destroy(),
  };
}

async function exchange(
  { url, agent, limits }: { readonly url: string; readonly agent: Agent; readonly limits?: ReplyLimits | undefined },
  { method, self, args, cookie, apiVersion, each }: Outgoing,
  signal: AbortSignal,
): Promise<Incoming> {
  const response = await request(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'text/xml; charset=utf-8',
      SOAPAction: apiVersion == null ? '"urn:vim25"' : `"urn:vim25/${apiVersion}"`,
      ...(cookie == null ? {} : { Cookie: cookie }),
    },
    body: envelope(method, self, args),
    dispatcher: agent,
    signal,
  }).catch((error: unknown) => {
    throw connectionError(method, error, signal);
  });
  try {
    // vCenter sends faults with 500; anything else is not its SOAP speaking.
    if (response.statusCode !== 200 && response.statusCode !== 500) throw notSoap(method, response.statusCode);
    const body = arriving(response.body, { method, signal });
    const reply = await readReply(body, { ...(limits === undefined ? {} : { limits }), each });
    if (reply.kind === 'fault') throw faultError(method, reply.fault);
    return { element: reply.element, cookie: cookieIn(response) };
  } catch (error) {
    // Not read to its end: the connection cannot be used again.
    response.body.destroy();
    throw naming(method, error);
  }
}

/** Errors of the network are told apart from those of whoever reads. */
async function* arriving(
  body: AsyncIterable<unknown>,
  { method, signal }: Signalled & { readonly method: string },
): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    throw connectionError(method, error, signal);
  }
}

function connectionError(method: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof AppError ? error : unreachable(method, error);
}

/** What the reader says of a reply does not tell whose reply it was. */
function naming(method: string, error: unknown): unknown {
  if (!(error instanceof AppError) || !error.code.startsWith('VCENTER_REPLY')) return error;
  return new AppError(error.code, `${method}: ${error.reason ?? ''}`, { ...error.details, method }, { cause: error });
}

function notSoap(method: string, status: number): AppError {
  // Something in front of a vCenter that is starting, or overloaded.
  if (status >= 500 || status === 429) {
    return new AppError('VCENTER_UNREACHABLE', `${method}: HTTP ${status}.`, { method, http: status });
  }
  return new AppError('VCENTER_REPLY_INVALID', `HTTP ${status} instead of a SOAP reply.`, { http: status });
}

function cookieIn(response: Dispatcher.ResponseData): string | null {
  const lines = [response.headers['set-cookie'] ?? []].flat();
  const line = lines.find((one) => one.startsWith('vmware_soap_session='));
  return line?.split(';')[0]?.trim() ?? null;
}
