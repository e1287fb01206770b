import type { Log } from '../log.ts';
import { pause } from '../pause.ts';
import { nextBetween } from '../random.ts';
import type { Store } from '../store.ts';
import type { Appliance } from './appliance.ts';

/** Renames disks at random moments while the setting is on, so that a name remembered from before is wrong later. */
export type Adversary = {
  /** Looks at the setting again. */
  follow(): void;
  close(): Promise<void>;
};

type Options = { readonly store: Store; readonly appliance: Appliance; readonly log: Log };

export function createAdversary({ store, appliance, log }: Options): Adversary {
  const { settings, adversary } = store.state;
  const stopping = new AbortController();
  let running: Promise<void> | null = null;

  const isOn = (): boolean => settings.adversary === 'on';

  const run = async (): Promise<void> => {
    while (isOn()) {
      await pause(nextBetween(adversary.random, settings.adversary_every_ms), stopping.signal);
      // Asked again after the wait: whoever switched it off may rely on it.
      if (!isOn()) return;
      const names = await appliance.renameSomePair(adversary.random);
      if (names === null) continue;
      adversary.exchanges += 1;
      await store.flush();
      log('debug', 'The adversary exchanged two names', { names });
    }
  };

  return {
    follow: () => {
      if (running !== null || !isOn()) return;
      log('debug', 'The adversary begins', { seed: adversary.random.value });
      running = run()
        .catch((error: unknown) => {
          if (error !== stopping.signal.reason) log('error', 'The adversary ended', { error: String(error) });
        })
        .finally(() => {
          running = null;
        });
    },
    close: async () => {
      stopping.abort(new Error('The lab stops.'));
      await running;
    },
  };
}
