import { ApiError, forEyesOf, unauthorised } from '../api-error.ts';
import { takeFault } from '../faults.ts';
import { checkParameters } from './accepts.ts';
import { type Asked, type CallContext, isAsync } from './call.ts';
import { callNamed } from './calls.ts';
import { type ApiOutcome, forcedReply } from './forced-reply.ts';
import type { Jobs } from './jobs.ts';
import { type Parameters, readParameters, refuseControlCharacters, withoutCredentials } from './parameters.ts';
import { failure, success } from './reply.ts';
import { verifySignature } from './signature.ts';

export type ApiRequest = { readonly method: string; readonly query: string; readonly body: string };

type Context = CallContext & { readonly jobs: Jobs };

/** One call from the signature to the envelope. Nothing is answered before what it changed is on the disk. */
export async function answerApi(context: Context, request: ApiRequest): Promise<ApiOutcome> {
  const { store } = context;
  const parameters = readParameters(request.query, request.body);
  const outcome = await answer(context, parameters, request.method);
  await store.flush();
  if (outcome === 'cut' || outcome.status !== 200) return outcome;
  const occasion = {
    command: parameters.command,
    name: parameters.get('name'),
    volumeId: parameters.get('id'),
    vmId: parameters.get('virtualmachineid') ?? parameters.get('id'),
  };
  const lost = takeFault(store.state.faults, 'reply', occasion);
  if (lost === null) return outcome;
  await store.flush();
  return 'cut';
}

async function answer(context: Context, parameters: Parameters, method: string): Promise<ApiOutcome> {
  const { store, nowMs } = context;
  if (parameters.get('response') !== 'json') {
    return {
      status: 406,
      headers: { 'Content-Type': 'text/plain; charset=UTF-8' },
      body: 'This server answers only response=json; CloudStack would answer with XML here.\n',
    };
  }
  const forced = forcedReply(store, parameters, nowMs());
  if (forced !== null) return forced;
  const { command } = parameters;
  const known = callNamed(command);
  const apiKey = [...parameters.asSent].find(([name]) => name.toLowerCase() === 'apikey')?.[1];
  const caller = store.state.accounts.find((account) => account.apiKey === apiKey);
  try {
    if (command === '') throw new ApiError(432, 9999, 'Invalid request, no command sent');
    refuseControlCharacters(parameters);
    if (caller === undefined) throw unauthorised();
    verifySignature(parameters.asSent, {
      secretKey: caller.secretKey,
      nowMs: nowMs(),
      enforcePostAndTimestamps: store.state.settings.enforce_post_and_timestamps,
      method,
    });
    if (known === null || (known.call.adminOnly === true && caller.role !== 'admin')) throw unauthorised();
    return success(command, await run(context, known, { parameters, caller }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return failure(known === null ? null : command, forEyesOf(caller?.role ?? 'user', error));
  }
}

type Known = NonNullable<ReturnType<typeof callNamed>>;

async function run(context: Context, { name, call }: Known, asked: Asked): Promise<object> {
  checkParameters(context.store.state, asked, call.accepts);
  if (!isAsync(call)) return await call.answer(context, asked);
  const subject = call.accept(context, asked);
  const job = context.jobs.start({
    command: name,
    accountId: asked.caller.id,
    sent: withoutCredentials(asked.parameters),
    ...subject,
  });
  return { ...(call.creates === undefined ? {} : { id: subject[call.creates] }), jobid: job.id };
}
