import type { HostSnapshot } from '../domain/device.ts';
import type { Signalled } from './signalled.ts';

/**
 * The appliance's device tree below one host root: `sys/`, `dev/`, `proc/sys/kernel/random/boot_id`, `run/ossea/`,
 * `var/lib/ossea/`. On a real OMA the root is `/`; in the demo environment it is the lab's `oma/`.
 */
export type HostAccess = {
  readonly hostId: string;
  readonly root: string;
  /** Reads the whole tree once. HOST_UNREADABLE when it cannot be read. */
  snapshot(options: Signalled): Promise<HostSnapshot>;
  /** Resolves soon after something under sys/block may have changed, at most 500 ms apart; only a hint to look again. */
  changed(options: Signalled): Promise<void>;
};
