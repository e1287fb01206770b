import type { BlockDevice, HostSnapshot } from '../domain/device.ts';
import type { Signalled } from './signalled.ts';

/** What a disk is, without what uses it and without what udev calls it: those two a look in passing does not read. */
export type DiskIdentity = Omit<BlockDevice, 'holders' | 'byIdLeadsTo'>;

/** What differs between two looks. After a new boot every name starts anew: all is removed, and all is added. */
export type DeviceChange = {
  readonly bootId: string;
  /** null in the first report of a subscription, which has everything that is there as added. */
  readonly previousBootId: string | null;
  readonly added: readonly DiskIdentity[];
  readonly removed: readonly DiskIdentity[];
  readonly changed: readonly { readonly was: DiskIdentity; readonly is: DiskIdentity }[];
};

/**
 * The appliance's device tree below one host root: `sys/`, `dev/`, `proc/sys/kernel/random/boot_id`, `run/ossea/`,
 * `var/lib/ossea/`. On a real OMA the root is `/`; in the demo environment it is the lab's `oma/`.
 *
 * A decision (a proof, a gate, a detach) is made on `snapshot` and nothing else. `changed` and `watch` say when to
 * look; what `watch` reports may be half a second old, and has no holders to be mistaken for fresh ones.
 */
export type HostAccess = {
  readonly hostId: string;
  readonly root: string;
  /**
   * Every disk with all its attributes, read after this call, never from memory. Who or what uses a disk (rule D6) and
   * by-id links are read anew as well. Callers of the same moment share one reading. HOST_UNREADABLE when it fails.
   */
  snapshot(options: Signalled): Promise<HostSnapshot>;
  /** Resolves soon after a disk may have changed, and 500 ms later at the latest; only a hint to look again. */
  changed(options: Signalled): Promise<void>;
  /** Calls `onChange` with what is there, then with every difference, until the signal fires. It must not throw. */
  watch(onChange: (change: DeviceChange) => void, options: Signalled): void;
  /** Ends the watcher and everybody who waits for it. */
  close(): Promise<void>;
};
