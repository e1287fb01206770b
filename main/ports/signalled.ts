/** Everything that waits can be aborted; `signal.reason` is an AppError. */
export type Signalled = { readonly signal: AbortSignal };

/** Shows why, while `work` is waited for. */
export type Waiting = <T>(reason: string, work: () => Promise<T>) => Promise<T>;
