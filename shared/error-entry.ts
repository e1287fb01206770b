/**
 * One row of the catalogue of errors.
 * `retry: backoff` means the engine waits and tries again by itself; `after: hold` parks a run for a person.
 */
export type ErrorEntry = {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 500 | 503;
  readonly retry: 'never' | 'backoff';
  /** What becomes of a run that ends with this error: undone and failed, or parked with everything left in place. */
  readonly after: 'fail' | 'hold';
  readonly summary: string;
  readonly remedy: string;
};

export const fail = (status: ErrorEntry['status'], summary: string, remedy: string): ErrorEntry => ({
  status,
  retry: 'never',
  after: 'fail',
  summary,
  remedy,
});
export const hold = (status: ErrorEntry['status'], summary: string, remedy: string): ErrorEntry => ({
  status,
  retry: 'never',
  after: 'hold',
  summary,
  remedy,
});
export const wait = (status: ErrorEntry['status'], summary: string, remedy: string): ErrorEntry => ({
  status,
  retry: 'backoff',
  after: 'hold',
  summary,
  remedy,
});
