import type { z } from 'zod';
import type { Endpoints } from './all.ts';
import type { Endpoint, NameIn, Table } from './endpoint.ts';

type Given<E extends Endpoint> = {
  readonly params?: z.input<E['params']>;
  readonly query?: z.input<E['query']>;
  readonly body?: z.input<E['body']>;
};
type Parsed<E extends Endpoint> = {
  readonly params: z.output<E['params']>;
  readonly query: z.output<E['query']>;
  readonly body: z.output<E['body']>;
};

/** What a caller gives: only the parts that the endpoint takes. */
export type CallInput<N extends NameIn<T>, T extends Table = Endpoints> = Given<T[N]>;

/** What a usecase gets, parsed. */
export type HandlerInput<N extends NameIn<T>, T extends Table = Endpoints> = Parsed<T[N]>;

export type Reply<N extends NameIn<T>, T extends Table = Endpoints> = z.output<T[N]['reply']>;

export type CallContext = {
  readonly signal: AbortSignal;
  readonly actor: string;
  /** Of a request that carried an Idempotency-Key: the id that whatever it makes is to bear. */
  readonly requestId?: string;
};

type Handler<E extends Endpoint> = (input: Parsed<E>, context: CallContext) => Promise<z.output<E['reply']>>;

/** A missing usecase does not compile. */
export type Handlers<T extends Table = Endpoints> = { readonly [N in NameIn<T>]: Handler<T[N]> };
