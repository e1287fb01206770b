import { orAborted } from '../../engine/abort.ts';
import type { Signalled } from '../../ports/signalled.ts';

export type Latch = { readonly open: () => void; readonly opened: (options: Signalled) => Promise<void> };

/** Opened once and for good; who waits for it can be called away. */
export function createLatch(): Latch {
  let open: () => void = () => undefined;
  const isOpen = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    open: () => {
      open();
    },
    opened: ({ signal }) => orAborted(isOpen, signal),
  };
}
