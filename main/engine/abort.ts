/** A controller that also aborts with any of the given signals (AbortSignal.any needs a newer Node than the floor). */
export function linked(...parents: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  release(): void;
} {
  const controller = new AbortController();
  const undo: (() => void)[] = [];
  for (const parent of parents) {
    if (parent.aborted) controller.abort(parent.reason);
    const follow = (): void => {
      controller.abort(parent.reason);
    };
    parent.addEventListener('abort', follow, { once: true });
    undo.push(() => {
      parent.removeEventListener('abort', follow);
    });
  }
  return {
    signal: controller.signal,
    abort: (reason) => {
      controller.abort(reason);
    },
    release: () => {
      for (const off of undo) off();
    },
  };
}

/** Settles like `promise`, or rejects with the reason of the signal, whichever comes first. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
  });
}
