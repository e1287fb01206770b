import { type PresentMovers, presentMovers } from '../adapters/movers/present-movers.ts';
import type { Clock } from '../ports/clock.ts';
import type { Signalled } from '../ports/signalled.ts';

/** Programs come and go seldom; asking each of them takes a moment. */
const rememberedMs = 60_000;

export function rememberMovers({
  clock,
  libdir,
}: {
  readonly clock: Clock;
  readonly libdir: () => string | null;
}): (options: Signalled) => Promise<PresentMovers> {
  let last: { readonly found: PresentMovers; readonly asked: string | null; readonly atMs: number } | null = null;
  return async (options) => {
    const asked = libdir();
    const now = clock.monotonicMs();
    if (last !== null && last.asked === asked && now - last.atMs < rememberedMs) return last.found;
    const found = await presentMovers({ libdir: asked }, options);
    last = { found, asked, atMs: now };
    return found;
  };
}
