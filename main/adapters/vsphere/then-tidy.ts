import type { Signalled } from '../../ports/signalled.ts';

/**
 * What vCenter keeps for us is taken away when the work is done, also when that was aborted. After a failure the tidying's
 * own failure is not told: the first one is the reason, and vCenter drops the rest with the session.
 */
export async function thenTidy<T>(work: Promise<T>, tidy: (options: Signalled) => Promise<unknown>): Promise<T> {
  // Not the caller's signal: that one may be the reason why we are here. Every call has its own limit.
  const own = { signal: new AbortController().signal };
  let result: T;
  try {
    result = await work;
  } catch (error) {
    await tidy(own).catch(() => undefined);
    throw error;
  }
  await tidy(own);
  return result;
}
