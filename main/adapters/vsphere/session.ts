import { AppError, asAppError } from '../../../shared/errors.ts';
import type { Log } from '../../ports/log.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { MoRef, VcenterAbout, VcenterSite } from '../../ports/vcenter.ts';
import { orAborted } from '../processes/or-aborted.ts';
import { at, type Element, filledTextOf, refAt, required, textOf } from './soap/element.ts';
import type { Each } from './soap/read-reply.ts';
import { value, type Xml } from './soap/request.ts';
import type { Transport } from './transport.ts';

/** Where vCenter's parts are. */
export type Roots = {
  readonly about: VcenterAbout;
  readonly rootFolder: MoRef;
  readonly propertyCollector: MoRef;
  readonly viewManager: MoRef;
  readonly sessionManager: MoRef;
  readonly authorizationManager: MoRef | null;
};

export type CallOptions = Signalled & { readonly each?: Each; readonly timeoutMs?: number };

/** Signed in. `call` answers the whole response element; its content is in `returnval`. */
export type Connection = {
  readonly roots: Roots;
  /** vCenter's name of this session. */
  readonly key: string;
  readonly cookie: string;
  call(method: string, self: MoRef, options: CallOptions & { readonly args?: readonly Xml[] }): Promise<Element>;
};

export type Session = {
  /**
   * Does `work` signed in. When vCenter has ended the session, all of it is done again, once, in a new one: views,
   * filters and tokens died with the old one.
   */
  run<T>(work: (connection: Connection) => Promise<T>, options: Signalled): Promise<T>;
  roots(options: Signalled): Promise<Roots>;
  /** Signs out, then ends all connections. Never rejects. */
  close(): Promise<void>;
};

const signInMs = 60_000;
const signOutMs = 10_000;

export function createSession(
  site: Pick<VcenterSite, 'username' | 'password'>,
  { transport, log }: { readonly transport: Transport; readonly log: Log },
): Session {
  const closing = new AbortController();
  let roots: Promise<Roots> | null = null;
  let signingIn: Promise<Connection> | null = null;

  /** Shared by all who wait for it, so it obeys none of their signals. */
  const shared = (): Signalled => ({ signal: closing.signal });
  const knownRoots = (): Promise<Roots> => {
    roots ??= readRoots(transport, shared()).catch((error: unknown) => {
      roots = null;
      throw error;
    });
    return roots;
  };
  const connection = (): Promise<Connection> => {
    if (signingIn !== null) return signingIn;
    const current = signIn(site, transport, { roots: knownRoots, ...shared() });
    signingIn = current;
    // The next one who asks tries again.
    current.catch(() => {
      if (signingIn === current) signingIn = null;
    });
    return current;
  };

  return {
    roots: ({ signal }) => orAborted(knownRoots(), signal),
    run: async (work, { signal }) => {
      const current = connection();
      try {
        return await work(await orAborted(current, signal));
      } catch (error) {
        if (!isExpired(error)) throw error;
        // Several may find out at the same time; only the first makes room for a new session.
        if (signingIn === current) signingIn = null;
      }
      return work(await orAborted(connection(), signal));
    },
    close: async () => {
      const open = signingIn;
      signingIn = null;
      try {
        // A sign-in that failed leaves nothing to sign out of.
        const signedIn = await open?.catch(() => null);
        if (signedIn != null) await signOut(signedIn);
      } catch (error) {
        // Whoever closes has the result of his work already, or an error that matters more than this one.
        log.warn('A session could not be signed out of; vCenter ends it when it was idle for long.', {
          code: asAppError(error).code,
        });
      } finally {
        closing.abort(new AppError('SHUTTING_DOWN', 'The connection to vCenter was closed.'));
        await transport.close();
      }
    },
  };
}

export const isExpired = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'VCENTER_SESSION_EXPIRED';

async function readRoots(transport: Transport, signalled: Signalled): Promise<Roots> {
  const self = { type: 'ServiceInstance', value: 'ServiceInstance' };
  const reply = await transport.send({ method: 'RetrieveServiceContent', self, args: [] }, signalled);
  const content = required(at(reply.element, 'returnval'), 'returnval');
  const part = (name: string): MoRef => required(refAt(content, name), name);
  return {
    about: {
      fullName: textOf(content, 'about.fullName') ?? '',
      version: textOf(content, 'about.version') ?? '',
      apiVersion: required(filledTextOf(content, 'about.apiVersion'), 'about.apiVersion'),
      instanceUuid: filledTextOf(content, 'about.instanceUuid'),
    },
    rootFolder: part('rootFolder'),
    propertyCollector: part('propertyCollector'),
    viewManager: part('viewManager'),
    sessionManager: part('sessionManager'),
    authorizationManager: refAt(content, 'authorizationManager'),
  };
}

async function signIn(
  { username, password }: Pick<VcenterSite, 'username' | 'password'>,
  transport: Transport,
  { roots: readThem, ...signalled }: Signalled & { readonly roots: () => Promise<Roots> },
): Promise<Connection> {
  const roots = await readThem();
  const { apiVersion } = roots.about;
  const login = {
    method: 'Login',
    self: roots.sessionManager,
    // Without a cookie: a second sign-in on a session is refused like a wrong password.
    args: [value('userName', username), value('password', await password())],
    apiVersion,
    timeoutMs: signInMs,
  };
  const { element, cookie: given } = await transport.send(login, signalled).catch((error: unknown) => {
    throw signInError(error, username);
  });
  const cookie = required(given, 'the session cookie');
  return {
    roots,
    cookie,
    key: required(filledTextOf(element, 'returnval.key'), 'returnval.key'),
    call: async (method, self, { args = [], each, timeoutMs, signal }) => {
      const outgoing = { method, self, args, cookie, apiVersion, each, timeoutMs };
      return (await transport.send(outgoing, { signal })).element;
    },
  };
}

function signInError(error: unknown, username: string): unknown {
  if (!(error instanceof AppError) || error.code !== 'VCENTER_AUTH') return error;
  // vCenter says the same of an unknown user and of a wrong password.
  const code = /[@\\]/.test(username) ? 'VCENTER_AUTH' : 'VCENTER_USER_DOMAIN';
  return new AppError(code, `The user was ${username}.`, { ...error.details, username }, { cause: error });
}

async function signOut({ roots, call }: Connection): Promise<void> {
  try {
    const { signal } = new AbortController();
    await call('Logout', roots.sessionManager, { signal, timeoutMs: signOutMs });
  } catch (error) {
    if (!isExpired(error)) throw error;
  }
}
