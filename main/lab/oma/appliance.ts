import { open } from 'node:fs/promises';
import { takeFault } from '../faults.ts';
import { pause } from '../pause.ts';
import type { RandomState } from '../random.ts';
import type { LabVolume } from '../state.ts';
import { boot, powerOff, type RestartReport, recover } from './boot.ts';
import { deviceOf, type Host, plugNow, resizeNow, unplugNow } from './devices.ts';
import { exchangeBytes, swapDevices } from './exchange.ts';
import { renameSomePair } from './rename.ts';
import { fillSentinel } from './sentinels.ts';

/** The OMA as its hypervisor and its kernel see it. Everything here runs one at a time. */
export type Appliance = {
  recover(): Promise<void>;
  plug(volume: LabVolume): Promise<void>;
  unplug(volumeId: string): Promise<'gone' | 'held'>;
  /** The guest lets the disk go some time after everybody has stopped waiting for it. */
  unplugLater(volume: LabVolume, afterMs: number): void;
  /** Whether an unplug was begun that the guest has not answered. */
  isLeaving(volumeId: string): boolean;
  /** Gives a volume its place on the storage, and says where. */
  store(volume: LabVolume): Promise<string>;
  resize(volume: LabVolume, sizeBytes: number): Promise<void>;
  freeze(volume: LabVolume, snapshotId: string): Promise<void>;
  restore(snapshotId: string, volume: LabVolume): Promise<void>;
  discardSnapshot(snapshotId: string): Promise<void>;
  /** The SHA-256 of a new foreign disk. */
  fillSentinel(volume: LabVolume): Promise<string>;
  /** Two idle disks of one size exchange their names; null when there are none. */
  renameSomePair(random: RandomState): Promise<readonly [string, string] | null>;
  /** As a VM that is stopped: no device is left, the next start is a new boot. */
  shutDown(): Promise<void>;
  /** The storage of a deleted volume. */
  discard(volumeId: string): Promise<void>;
  restart(): Promise<RestartReport>;
  swap(volumeA: string, volumeB: string): Promise<void>;
  exchangeBytes(volumeA: string, volumeB: string): Promise<number>;
  powerOff(): Promise<void>;
};

export function createAppliance(host: Host): Appliance {
  const { state } = host.store;
  const stopping = new AbortController();
  const late = new Set<Promise<void>>();
  const leaving = new Set<string>();
  let tail: Promise<unknown> = Promise.resolve();
  const alone = <T>(act: () => Promise<T>): Promise<T> => {
    const done = tail.then(act, act);
    tail = done;
    return done;
  };

  const later = (afterMs: number, act: () => Promise<void>): void => {
    const coming = pause(afterMs, stopping.signal)
      .then(() => alone(act))
      .catch((error: unknown) => {
        if (error !== stopping.signal.reason)
          host.log('error', 'A late event of a device failed', { error: String(error) });
      })
      .finally(() => late.delete(coming));
    late.add(coming);
  };

  const plugLater = (volume: LabVolume, afterMs: number): void =>
    later(afterMs, async () => {
      if (volume.vmId !== state.ids.omaVm || volume.removed || state.host.poweredOff) return;
      await plugNow(host, volume);
      await host.store.flush();
    });

  const plug = async (volume: LabVolume): Promise<void> => {
    const occasion = { command: 'attachVolume', name: volume.name, volumeId: volume.id, vmId: state.ids.omaVm };
    const fault = takeFault(state.faults, 'device', { ...occasion, only: ['device-late', 'device-never'] });
    if (fault === null) {
      await plugNow(host, volume);
      return;
    }
    if (fault.fault === 'device-late') plugLater(volume, fault.value ?? 1_000);
    else volume.deviceless = true;
  };

  return {
    recover: () => alone(() => recover(host)),
    plug: (volume) => alone(() => plug(volume)),
    unplug: (volumeId) => alone(() => unplugNow(host, volumeId)),
    unplugLater: (volume, afterMs) => {
      leaving.add(volume.id);
      later(afterMs, async () => {
        leaving.delete(volume.id);
        if (volume.vmId === state.ids.omaVm) volume.deviceless = true;
        await unplugNow(host, volume.id);
        await host.store.flush();
      });
    },
    isLeaving: (volumeId) => leaving.has(volumeId),
    store: (volume) => alone(() => host.files.ensure(volume.id, volume.sizeBytes)),
    resize: (volume, sizeBytes) => alone(() => resizeNow(host, volume, sizeBytes)),
    freeze: (volume, snapshotId) => alone(() => freeze(host, volume, snapshotId)),
    restore: (snapshotId, volume) => host.files.restore(snapshotId, volume.id),
    discardSnapshot: (snapshotId) => host.files.discardSnapshot(snapshotId),
    fillSentinel: (volume) => fillSentinel(host.files, volume.id, volume.sizeBytes),
    renameSomePair: (random) => alone(() => renameSomePair(host, random)),
    shutDown: () => alone(() => powerOff(host)),
    discard: (volumeId) => alone(() => host.files.discard(volumeId)),
    restart: () => alone(() => boot(host)),
    swap: (volumeA, volumeB) => alone(() => swapDevices(host, volumeA, volumeB)),
    exchangeBytes: (volumeA, volumeB) => alone(() => exchangeBytes(host, volumeA, volumeB)),
    powerOff: async () => {
      stopping.abort(new Error('The lab stops.'));
      await Promise.all(late);
      await alone(() => powerOff(host));
    },
  };
}

async function freeze(host: Host, volume: LabVolume, snapshotId: string): Promise<void> {
  const device = deviceOf(host, volume.id);
  if (device !== undefined) await syncNode(device.node);
  await host.files.ensure(volume.id, volume.sizeBytes);
  await host.files.freeze(volume.id, snapshotId);
}

/** What the device's cache holds must be in the file before that is copied. */
async function syncNode(node: string): Promise<void> {
  const file = await open(node, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
