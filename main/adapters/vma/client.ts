import { ZodError } from 'zod';
import { type Caller, createCaller } from '../../../shared/client/client.ts';
import { createHttpCall, type Fetch } from '../../../shared/client/http-transport.ts';
import type { NameIn } from '../../../shared/contract/endpoint.ts';
import { type VmaEndpoints, vmaEndpoints } from '../../../shared/contract/vma/all.ts';
import { protocol, protocolHeader } from '../../../shared/contract/vma/protocol.ts';
import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { VmaAccess } from '../../ports/sites.ts';
import { withinLimit } from '../processes/within-limit.ts';

export type VmaClient = Caller<VmaEndpoints>;

export type VmaClientParts = VmaAccess & { readonly fetch: Fetch; readonly clock: Clock };

const usualMs = 10_000;
const minuteMs = 60_000;

/** What waits for a vCenter, or for processes to end, has longer; but every wait ends. */
const longer: { readonly [Name in NameIn<VmaEndpoints>]?: number } = {
  discover: minuteMs,
  replicate: minuteMs,
  readDiskState: minuteMs,
  getCopyMethod: minuteMs,
  readChangedAreas: 4 * minuteMs,
  freezeVm: 4 * minuteMs,
  thawVm: 4 * minuteMs,
};

/**
 * Calls of one VMA. VMA_UNREACHABLE is all that can be said when no answer came: whether what was asked for was done is
 * not known then.
 */
export function createVmaClient({ url, token, fetch, clock }: VmaClientParts): VmaClient {
  const caller = createCaller(vmaEndpoints, async (name, input, options) => {
    const headers = { Authorization: `Bearer ${await token()}`, [protocolHeader]: String(protocol.current) };
    return await createHttpCall(vmaEndpoints, { origin: url, headers, fetch })(name, input, options);
  });
  return {
    call: async (name, input, { signal }) => {
      const limit = { clock, timeoutMs: longer[name] ?? usualMs, code: 'VMA_UNREACHABLE', signal } as const;
      try {
        return await withinLimit(limit, (limited) => caller.call(name, input, { signal: limited }));
      } catch (thrown) {
        signal.throwIfAborted();
        throw asVmaError(thrown, url);
      }
    },
  };
}

function asVmaError(thrown: unknown, url: string): AppError {
  if (thrown instanceof ZodError) {
    const reason = `${url} answered with something this console does not understand: ${thrown.message}`;
    return new AppError('PROTOCOL_MISMATCH', reason, undefined, { cause: thrown });
  }
  if (!(thrown instanceof AppError)) return unreachable(thrown, url);
  if (thrown.code === 'DAEMON_UNREACHABLE') return unreachable(thrown.cause ?? thrown, url);
  if (thrown.code === 'UNAUTHORIZED') return new AppError('VMA_AUTH', `${url} does not accept it.`);
  // It stops: whoever starts it again is asked again.
  if (thrown.code === 'SHUTTING_DOWN') return new AppError('VMA_UNREACHABLE', `${url} is shutting down.`);
  return thrown;
}

/** fetch says only that it failed; why is one level below. */
function unreachable(thrown: unknown, url: string): AppError {
  const inner = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const words = inner instanceof Error ? inner.message : String(inner);
  return new AppError('VMA_UNREACHABLE', `${url}: ${words}`, { url }, { cause: thrown });
}
