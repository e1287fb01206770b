import { takeFault } from '../faults.ts';
import { pause } from '../pause.ts';
import type { LabVolume } from '../state.ts';
import { boot, powerOff, type RestartReport, recover } from './boot.ts';
import { type Host, plugNow, unplugNow } from './devices.ts';
import { exchangeBytes, swapDevices } from './exchange.ts';

/** The OMA as its hypervisor and its kernel see it. Everything here runs one at a time. */
export type Appliance = {
  recover(): Promise<void>;
  plug(volume: LabVolume): Promise<void>;
  unplug(volumeId: string): Promise<'gone' | 'held'>;
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
  let tail: Promise<unknown> = Promise.resolve();
  const alone = <T>(act: () => Promise<T>): Promise<T> => {
    const done = tail.then(act, act);
    tail = done;
    return done;
  };

  const plugLater = (volume: LabVolume, afterMs: number): void => {
    const plugIfStillThere = async (): Promise<void> => {
      if (volume.vmId !== state.ids.omaVm || volume.removed) return;
      await plugNow(host, volume);
      await host.store.flush();
    };
    const coming = pause(afterMs, stopping.signal)
      .then(() => alone(plugIfStillThere))
      .catch((error: unknown) => {
        if (error !== stopping.signal.reason)
          host.log('error', 'A late device did not appear', { error: String(error) });
      })
      .finally(() => late.delete(coming));
    late.add(coming);
  };

  const plug = async (volume: LabVolume): Promise<void> => {
    const occasion = { command: 'attachVolume', name: volume.name, volumeId: volume.id };
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
