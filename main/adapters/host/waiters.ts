type Waiter = { readonly resolve: () => void; readonly reject: (reason: Error) => void };

/** Those who wait for the next look. */
export function createWaiters() {
  let waiting = new Set<Waiter>();
  const takeAll = (): ReadonlySet<Waiter> => {
    const all = waiting;
    waiting = new Set();
    return all;
  };
  return {
    count: () => waiting.size,
    /** Until it is released, or the signal fires. */
    join: (signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        signal.throwIfAborted();
        const abort = () => {
          waiting.delete(waiter);
          reject(signal.reason as Error);
        };
        const settled = () => {
          signal.removeEventListener('abort', abort);
        };
        const waiter: Waiter = {
          resolve: () => {
            settled();
            resolve();
          },
          reject: (reason) => {
            settled();
            reject(reason);
          },
        };
        signal.addEventListener('abort', abort, { once: true });
        waiting.add(waiter);
      }),
    release: () => {
      for (const waiter of takeAll()) waiter.resolve();
    },
    fail: (reason: unknown) => {
      for (const waiter of takeAll()) waiter.reject(reason as Error);
    },
  };
}
