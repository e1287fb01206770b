/** Time as an argument, so that reconnecting can be tested without waiting. */
export type PageClock = {
  now(): string;
  /** Rejects with the signal's reason. */
  sleep(ms: number, options: { readonly signal: AbortSignal }): Promise<void>;
};

export const pageClock: PageClock = {
  now: () => new Date().toISOString(),
  sleep: (ms, { signal }) =>
    new Promise((done, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        done();
      }, ms);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    }),
};
