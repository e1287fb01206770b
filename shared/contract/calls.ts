import type { z } from 'zod';
import type { EndpointName, Endpoints } from './all.ts';

/** What a caller gives: only the parts that the endpoint takes. */
export type CallInput<N extends EndpointName> = {
  readonly params?: z.input<Endpoints[N]['params']>;
  readonly query?: z.input<Endpoints[N]['query']>;
  readonly body?: z.input<Endpoints[N]['body']>;
};

/** What a usecase gets, parsed. */
export type HandlerInput<N extends EndpointName> = {
  readonly params: z.output<Endpoints[N]['params']>;
  readonly query: z.output<Endpoints[N]['query']>;
  readonly body: z.output<Endpoints[N]['body']>;
};

export type Reply<N extends EndpointName> = z.output<Endpoints[N]['reply']>;

export type CallContext = {
  readonly signal: AbortSignal;
  readonly actor: string;
  /** Of a request that carried an Idempotency-Key: the id that whatever it makes is to bear. */
  readonly requestId?: string;
};

/** A missing usecase does not compile. */
export type Handlers = {
  readonly [N in EndpointName]: (input: HandlerInput<N>, context: CallContext) => Promise<Reply<N>>;
};
