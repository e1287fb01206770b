import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Store } from '../store.ts';
import type { Changes } from './changes.ts';
import type { ContainerView } from './objects/container-view.ts';
import type { Collector } from './property/collector.ts';

export type Session = {
  readonly key: string;
  readonly cookie: string;
  readonly userName: string;
  readonly userAgent: string;
  readonly loginAtMs: number;
  lastActiveAtMs: number;
  calls: number;
  /** Waits for updates that are under way: they keep the session alive. */
  waiting: number;
  /** Of the monotonic clock: one that is set does not end sessions. */
  idleSince: number;
  readonly views: Map<string, ContainerView>;
  readonly collectors: Map<string, Collector>;
};

export type Sessions = {
  /** null for a stranger and for one who was idle too long; else the session counts as active. */
  active(cookie: string | null): Session | null;
  open(userName: string, userAgent: string): Session;
  close(session: Session): void;
  isOpen(session: Session): boolean;
  byKey(key: string): Session | undefined;
  /** All of them, as after a restart of the server. */
  expire(): number;
  count(): number;
  knows(userName: string, password: string): boolean;
};

export function createSessions({
  store,
  changes,
  nowMs,
}: {
  readonly store: Store;
  readonly changes: Changes;
  readonly nowMs: () => number;
}): Sessions {
  const { vcenter, settings } = store.state;
  const byCookie = new Map<string, Session>();
  const expireIdle = (): void => {
    for (const [cookie, session] of byCookie) {
      if (session.waiting === 0 && performance.now() - session.idleSince > settings.vc_idle_ms) byCookie.delete(cookie);
    }
  };
  return {
    active: (cookie) => {
      expireIdle();
      const session = cookie === null ? undefined : byCookie.get(cookie);
      if (session === undefined) return null;
      session.idleSince = performance.now();
      session.lastActiveAtMs = nowMs();
      session.calls += 1;
      return session;
    },
    open: (userName, userAgent) => {
      const cookie = randomBytes(20).toString('hex');
      const session: Session = {
        key: randomUUID().replace(/^../, '52'),
        cookie,
        userName,
        userAgent,
        loginAtMs: nowMs(),
        lastActiveAtMs: nowMs(),
        idleSince: performance.now(),
        calls: 0,
        waiting: 0,
        views: new Map(),
        collectors: new Map(),
      };
      byCookie.set(cookie, session);
      return session;
    },
    close: (session) => {
      byCookie.delete(session.cookie);
      changes.notify();
    },
    isOpen: (session) => byCookie.get(session.cookie) === session,
    byKey: (key) => [...byCookie.values()].find((session) => session.key === key),
    expire: () => {
      const { size } = byCookie;
      byCookie.clear();
      changes.notify();
      return size;
    },
    count: () => {
      expireIdle();
      return byCookie.size;
    },
    // SSO compares names without regard to case; without the domain it does not know them.
    knows: (userName, password) =>
      userName.toLowerCase() === vcenter.username.toLowerCase() && isEqual(password, vcenter.password),
  };
}

function isEqual(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
