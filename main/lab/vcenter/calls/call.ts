import type { VcenterContext } from '../context.ts';
import type { ManagedObject } from '../objects/managed-object.ts';
import type { World } from '../objects/world.ts';
import type { Privilege } from '../privileges.ts';
import type { Session } from '../sessions.ts';
import type { Arguments } from '../soap/envelope.ts';
import type { Ref, Value } from '../soap/value.ts';
import { objectNotFound } from '../soap/vim-fault.ts';
import type { Vm } from '../vms.ts';

export type Asked = {
  readonly self: ManagedObject;
  readonly args: Arguments;
  readonly world: World;
  readonly session: Session;
  /** Aborts when the caller has gone or the lab stops. */
  readonly signal: AbortSignal;
};

export type AskedByAnyone = Omit<Asked, 'session'> & {
  readonly session: Session | null;
  readonly userAgent: string;
  /** A new session; its cookie goes out with the answer. */
  begin(session: Session): void;
};

type Described = {
  /** The type of object that has this method. */
  readonly on: string;
  /** Parameters in order; `!` marks those that must be given. */
  readonly takes: readonly string[];
};

type Answer = Value | undefined;

export type OpenCall = Described & {
  readonly anonymous: true;
  answer(context: VcenterContext, asked: AskedByAnyone): Answer | Promise<Answer>;
};

export type ClosedCall = Described & {
  readonly privilege?: Privilege;
  answer(context: VcenterContext, asked: Asked): Answer | Promise<Answer>;
};

export type Call = OpenCall | ClosedCall;

export type Calls<C extends Call> = Readonly<Record<string, C>>;

export function vmOf({ vms }: VcenterContext, target: Ref): Vm {
  const vm = target.type === 'VirtualMachine' ? vms.byMoref(target.id) : undefined;
  if (vm === undefined) throw objectNotFound(target);
  return vm;
}
