/** Tells those who wait for updates that something of the inventory, a task or a session may have changed. */
export type Changes = {
  readonly count: () => number;
  notify(): void;
  /** Resolves when something changed after `count` was read, or when `signal` aborts. */
  after(count: number, signal: AbortSignal): Promise<void>;
};

export function createChanges(): Changes {
  let changes = 0;
  const waiting = new Set<() => void>();
  return {
    count: () => changes,
    notify: () => {
      changes += 1;
      for (const wake of [...waiting]) wake();
    },
    after: (count, signal) =>
      new Promise((resolve) => {
        if (changes > count || signal.aborted) {
          resolve();
          return;
        }
        const wake = (): void => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake);
      }),
  };
}
