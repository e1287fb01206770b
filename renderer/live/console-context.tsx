import { createContext, useContext, useEffect, useState } from 'react';
import { useStore } from 'zustand';
import type { Client } from '../../shared/client/client.ts';
import type { PageClock } from './clock.ts';
import type { LiveState } from './entities.ts';
import type { LiveStore } from './store.ts';

export type ConsoleAccess = {
  readonly client: Client;
  readonly store: LiveStore;
  readonly clock: PageClock;
  /** Ends with the page. */
  readonly signal: AbortSignal;
};

const ConsoleContext = createContext<ConsoleAccess | null>(null);
export const ConsoleProvider = ConsoleContext.Provider;

export function useConsole(): ConsoleAccess {
  const access = useContext(ConsoleContext);
  if (access === null) throw new Error('useConsole outside of ConsoleProvider');
  return access;
}

export function useLive<T>(select: (state: LiveState) => T): T {
  return useStore(useConsole().store.api, select);
}

/** The present, renewed every second while something on the screen counts. */
export function useNow(ticking: boolean): string {
  const { clock } = useConsole();
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => {
      setNow(clock.now());
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, [clock, ticking]);
  return now;
}
