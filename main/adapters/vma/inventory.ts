import type { VmDocument } from '../../../shared/contract/vma/discover.ts';
import { type AppError, asAppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { InventoryState } from '../../ports/sites.ts';
import { orAborted } from '../processes/or-aborted.ts';
import type { VmaClient } from './client.ts';

export type VmaInventory = {
  /** As it was seen last. */
  vms(): readonly VmDocument[];
  state(): InventoryState;
  /** Resolves once the VMA answered or is lost, and soon: what was seen last will do where it takes its time. */
  refreshed(options: Signalled): Promise<void>;
  close(): Promise<void>;
};

type Parts = { readonly client: VmaClient; readonly clock: Clock; readonly log: Log; readonly onChange: () => void };

const askEveryMs = 5_000;
/** A long list is not asked for all the time. */
const pausePerAnswer = 10;
const patienceMs = 5_000;
/** Callers of about the same time share one answer. */
const freshForMs = 1_000;

/** Asks the VMA for its VMs, one request at a time, until it is closed. What a lost VMA listed last stays listed. */
export function followVma({ client, clock, log, onChange }: Parts): VmaInventory {
  const closing = new AbortController();
  const { signal } = closing;
  let vms: readonly VmDocument[] = [];
  let state: InventoryState = { state: 'connecting', error: null, seenAt: null };
  let askedMs = -Infinity;
  let asking: Promise<void> | null = null;

  const enter = (next: InventoryState, seen: readonly VmDocument[]): void => {
    const told = JSON.stringify([state.state, vms]);
    [state, vms] = [next, seen];
    if (JSON.stringify([state.state, vms]) !== told) onChange();
  };
  const lose = (error: AppError): void => {
    if (state.state !== 'lost') log.warn('a VMA is lost', { code: error.code, reason: error.reason });
    enter({ state: 'lost', error, seenAt: state.seenAt }, vms);
  };
  const askOnce = async (): Promise<void> => {
    try {
      const found = await client.call('discover', { body: {} }, { signal });
      enter({ state: 'live', error: null, seenAt: clock.now() }, found.vms);
    } catch (thrown) {
      if (!signal.aborted) lose(asAppError(thrown));
    }
    askedMs = clock.monotonicMs();
  };
  const ask = (): Promise<void> => {
    asking ??= askOnce().finally(() => {
      asking = null;
    });
    return asking;
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      await ask();
      const pauseMs = Math.max(askEveryMs, pausePerAnswer * (clock.monotonicMs() - startedMs));
      await clock.sleep(pauseMs, { signal }).catch((reason: unknown) => {
        if (!signal.aborted) throw reason;
      });
    }
  };
  const ended = follow();

  return {
    vms: () => vms,
    state: () => state,
    refreshed: async (options) => {
      if (signal.aborted || clock.monotonicMs() - askedMs < freshForMs) return;
      const answered = ask();
      if (state.seenAt === null) await orAborted(answered, options.signal);
      else await orAborted(Promise.race([answered, clock.sleep(patienceMs, { signal })]), options.signal);
    },
    close: async () => {
      closing.abort();
      await ended;
    },
  };
}
