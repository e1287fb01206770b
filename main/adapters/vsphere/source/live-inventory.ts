import { asAppError } from '../../../../shared/errors.ts';
import type { VmSpec } from '../../../domain/vm-spec.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { InventoryState } from '../../../ports/sites.ts';
import type { Vcenter } from '../../../ports/vcenter.ts';
import { orAborted } from '../../processes/or-aborted.ts';

export type LiveInventory = {
  readonly vms: () => readonly VmSpec[];
  readonly state: () => InventoryState;
  /** Resolves when the first look is complete or has failed. */
  ready(options: Signalled): Promise<void>;
  close(): Promise<void>;
};

type Parts = { readonly vcenter: Vcenter; readonly clock: Clock; readonly log: Log; readonly onChange: () => void };

const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/** Follows the VMs of a vCenter from now on; after a failure it tries again, with growing pauses, until it is closed. */
export function followInventory({ vcenter, clock, log, onChange }: Parts): LiveInventory {
  const known = new Map<string, VmSpec>();
  const closing = new AbortController();
  const { signal } = closing;
  let state: InventoryState = { state: 'connecting', error: null, seenAt: null };
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });

  const enter = (next: InventoryState): void => {
    state = next;
    settle();
    onChange();
  };

  const watchOnce = (): Promise<never> => {
    const stale = new Set(known.keys());
    return vcenter.watchVms(
      ({ changed, gone, complete }) => {
        for (const spec of changed) {
          known.set(spec.moRef, spec);
          stale.delete(spec.moRef);
        }
        for (const moRef of gone) known.delete(moRef);
        if (!complete) return;
        // What vanished while nobody watched.
        for (const moRef of stale) known.delete(moRef);
        stale.clear();
        enter({ state: 'live', error: null, seenAt: clock.now() });
      },
      { signal },
    );
  };

  const isClosed = (): boolean => signal.aborted;

  const follow = async (): Promise<void> => {
    for (let pauseMs = firstPauseMs; !isClosed(); pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        await watchOnce();
      } catch (thrown) {
        if (isClosed()) return;
        const error = asAppError(thrown);
        log.warn('the inventory of a vCenter is lost', { code: error.code, reason: error.reason });
        if (state.state === 'live') pauseMs = firstPauseMs;
        enter({ state: 'lost', error, seenAt: state.seenAt });
      }
      await clock.sleep(pauseMs, { signal }).catch((reason: unknown) => {
        if (!isClosed()) throw reason;
      });
    }
  };
  const ended = follow();

  return {
    vms: () => [...known.values()],
    state: () => state,
    ready: ({ signal: waiting }) => orAborted(settled, waiting),
    close: async () => {
      closing.abort();
      settle();
      await ended;
    },
  };
}
