/** Resolves after `ms`; rejects with `signal.reason` when aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Looks every 10 ms until `done` or until `timeoutMs` has passed; false when it did not come true. */
export async function cameTrue(done: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const never = new AbortController().signal;
  const start = performance.now();
  for (;;) {
    if (await done()) return true;
    if (performance.now() - start > timeoutMs) return false;
    await pause(10, never);
  }
}
