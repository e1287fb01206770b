/** Everything that waits can be aborted; `signal.reason` is an AppError. */
export type Signalled = { readonly signal: AbortSignal };
