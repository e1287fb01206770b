import type { Call } from './calls/call.ts';
import { calls } from './calls/calls.ts';
import type { VcenterContext } from './context.ts';
import { worldOf } from './objects/world.ts';
import type { Session } from './sessions.ts';
import { argumentsOf, faultOf, responseOf, type SoapRequest } from './soap/envelope.ts';
import { text, type Value } from './soap/value.ts';
import { noPermission, notAuthenticated, objectNotFound, VimFault } from './soap/vim-fault.ts';

export type SoapAsked = {
  readonly request: SoapRequest;
  readonly cookie: string | null;
  readonly userAgent: string;
  readonly signal: AbortSignal;
};

export type SoapReply = {
  readonly status: 200 | 500;
  readonly xml: string;
  /** The cookie of a session that began. */
  readonly cookie: string | null;
};

export const refusal = (fault: VimFault): SoapReply => ({ status: 500, xml: faultOf(fault), cookie: null });

/** One call from the session to the envelope. What it changed is on the disk before it is answered. */
export async function answerSoap(context: VcenterContext, asked: SoapAsked): Promise<SoapReply> {
  const { request } = asked;
  const opened: Session[] = [];
  try {
    const returned = await carryOut(context, asked, (session) => opened.push(session));
    await context.store.flush();
    return { status: 200, xml: responseOf(request.method, returned), cookie: opened[0]?.cookie ?? null };
  } catch (error) {
    if (!(error instanceof VimFault)) throw error;
    await context.store.flush();
    return refusal(error);
  }
}

async function carryOut(
  context: VcenterContext,
  asked: SoapAsked,
  begin: (session: Session) => void,
): Promise<Value | undefined> {
  const { request, cookie, userAgent, signal } = asked;
  const session = context.sessions.active(cookie);
  const call: Call | undefined = Object.hasOwn(calls, request.method) ? calls[request.method] : undefined;
  if (call === undefined) throw methodNotFound(request);
  if (session === null && !('anonymous' in call)) {
    throw notAuthenticated(request.self, 'privilege' in call ? call.privilege : undefined);
  }
  const world = worldOf(context, session);
  const self = world.find(request.self);
  if (self === undefined) throw objectNotFound(request.self);
  if (self.ref.type !== call.on) throw methodNotFound(request);
  const args = argumentsOf(request, call.takes);
  if ('anonymous' in call) return await call.answer(context, { self, args, world, session, signal, userAgent, begin });
  if (session === null) throw notAuthenticated(request.self);
  const { denied } = context.store.state.vcenter;
  if (call.privilege !== undefined && denied.includes(call.privilege)) throw noPermission(self.ref, call.privilege);
  return await call.answer(context, { self, args, world, session, signal });
}

const methodNotFound = ({ self, method }: SoapRequest): VimFault =>
  new VimFault('MethodNotFound', `The method ${method} is not implemented on ${self.type}.`, {
    receiver: self,
    method: text(method),
  });
