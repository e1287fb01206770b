import type { z } from 'zod';
import type { ErrorCode } from '../errors.ts';

type Spec = {
  readonly id: string;
  readonly tag: 'Volume Daemon' | 'OMA' | 'Console' | 'VMA';
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: `/${string}`;
  readonly summary: string;
  /** HTTP status of success. */
  readonly status: 200 | 201;
  /** True for what anybody on this machine may ask. */
  readonly open?: true;
  /** True for what is refused to a caller that does not say which protocol it speaks. */
  readonly handshake?: true;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: z.ZodType;
  readonly reply: z.ZodType;
  readonly errors: readonly ErrorCode[];
};

/** One row of the table that feeds REST, IPC, CLI, client and OpenAPI. */
export const endpoint = <const S extends Spec>(spec: S): S => spec;
export type Endpoint = Spec;
export type Table = Readonly<Record<string, Endpoint>>;
export type NameIn<T extends Table> = keyof T & string;

export const rowOf = <T extends Table, N extends NameIn<T>>(table: T, name: N): T[N] => table[name];
