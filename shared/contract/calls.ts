import type { z } from 'zod';
import type { Endpoints } from './all.ts';
import type { NameIn, Table } from './endpoint.ts';

/** What a caller gives: only the parts that the endpoint takes. */
export type CallInput<N extends NameIn<T>, T extends Table = Endpoints> = {
  readonly params?: z.input<T[N]['params']>;
  readonly query?: z.input<T[N]['query']>;
  readonly body?: z.input<T[N]['body']>;
};

/** What a usecase gets, parsed. */
export type HandlerInput<N extends NameIn<T>, T extends Table = Endpoints> = {
  readonly params: z.output<T[N]['params']>;
  readonly query: z.output<T[N]['query']>;
  readonly body: z.output<T[N]['body']>;
};

export type Reply<N extends NameIn<T>, T extends Table = Endpoints> = z.output<T[N]['reply']>;

export type CallContext = {
  readonly signal: AbortSignal;
  readonly actor: string;
  /** Of a request that carried an Idempotency-Key: the id that whatever it makes is to bear. */
  readonly requestId?: string;
};

/** A missing usecase does not compile. */
export type Handlers<T extends Table = Endpoints> = {
  readonly [N in NameIn<T>]: (input: HandlerInput<N, T>, context: CallContext) => Promise<Reply<N, T>>;
};
