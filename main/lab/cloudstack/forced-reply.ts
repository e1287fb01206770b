import { ApiError, unauthorised } from '../api-error.ts';
import { takeFault } from '../faults.ts';
import type { Store } from '../store.ts';
import type { Parameters } from './parameters.ts';
import { failure, type Reply, success } from './reply.ts';

/** `cut`: the connection ends without an answer. */
export type ApiOutcome = Reply | 'cut';

const requestFaults = [
  'request-lost',
  'empty-401',
  'clock-skew',
  'http-429',
  'http-503',
  'garbage-reply',
  'empty-list',
] as const;

/** What an armed fault answers in place of the call. */
export function forcedReply(store: Store, parameters: Parameters, nowMs: number): ApiOutcome | null {
  const { command } = parameters;
  const occasion = {
    command,
    name: parameters.get('name'),
    volumeId: parameters.get('id'),
    vmId: parameters.get('virtualmachineid'),
    only: requestFaults,
  };
  const html = { 'Content-Type': 'text/html' };
  const fault = takeFault(store.state.faults, 'request', occasion);
  switch (fault?.fault) {
    case 'request-lost':
      return 'cut';
    case 'empty-401':
      return { status: 401, headers: {}, body: '' };
    case 'clock-skew': {
      const refused = failure(command, unauthorised());
      const shown = new Date(nowMs + (fault.value ?? 3_600_000)).toUTCString();
      return { ...refused, headers: { ...refused.headers, Date: shown } };
    }
    case 'http-429': {
      const text = 'The given user has reached his/her account api limit, please retry after [40] ms.';
      return failure(command, new ApiError(429, 9999, text));
    }
    case 'http-503':
      return { status: 503, headers: html, body: '<html><body><h1>503 Service Unavailable</h1></body></html>' };
    case 'garbage-reply':
      return { status: 200, headers: html, body: '<html><body>Sign in to the guest network</body></html>' };
    case 'empty-list':
      return success(command, {});
    case undefined:
    default:
      return null;
  }
}
