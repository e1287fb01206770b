import type { EndpointName } from '../contract/all.ts';

export type RawInput = {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
};

export type CallOptions = { readonly signal: AbortSignal; readonly idempotencyKey?: string };

export type RawCall<Name extends string = EndpointName> = (
  name: Name,
  input: RawInput,
  options: CallOptions,
) => Promise<unknown>;

/** How calls and the feed reach the daemon: in process, IPC or HTTP. Failures reject with an AppError. */
export type Transport = {
  readonly call: RawCall;
  /**
   * Delivers feed messages after `after` until the signal aborts (then it resolves) or the connection is lost
   * (then it rejects; the caller subscribes again from the last seq it saw).
   */
  feed(after: number, deliver: (message: unknown) => void, options: { readonly signal: AbortSignal }): Promise<void>;
};
