import type { WindowToPage } from '../../shared/client/bridge.ts';

type Options = {
  /** How many migrations would stop at a checkpoint. */
  readonly unfinished: () => Promise<number>;
  /** False when there is no page that could ask. */
  readonly tellPage: (message: WindowToPage) => boolean;
  readonly quit: () => void;
  readonly startTimer: (ms: number, onEnd: () => void) => () => void;
};

/** A page that does not put the question on the screen within this time is dead. */
export const deadPageMs = 10_000;

/**
 * Closing the window is quitting. With migrations running the page asks first; a second close, a page that is
 * dead or a count that cannot be had quits anyway: a person must always be able to close a window.
 */
export function createClosing({ unfinished, tellPage, quit, startTimer }: Options) {
  let state: 'open' | 'asked' | 'quitting' = 'open';
  let stopTimer = (): void => undefined;

  const quitNow = (): void => {
    if (state === 'quitting') return;
    state = 'quitting';
    stopTimer();
    quit();
  };

  const ask = (count: number): void => {
    if (state !== 'asked') return;
    if (count === 0 || !tellPage({ kind: 'confirm-quit', unfinished: count })) quitNow();
  };

  return {
    isQuitting: (): boolean => state === 'quitting',
    quitNow,
    requested(): void {
      if (state !== 'open') {
        quitNow();
        return;
      }
      state = 'asked';
      stopTimer = startTimer(deadPageMs, quitNow);
      unfinished().then(ask, quitNow);
    },
    /** The question is on the screen: from now on only the person decides. */
    asking(): void {
      stopTimer();
    },
    keepRunning(): void {
      if (state !== 'asked') return;
      stopTimer();
      state = 'open';
    },
    pageGone(): void {
      if (state === 'asked') quitNow();
    },
  };
}
export type Closing = ReturnType<typeof createClosing>;
