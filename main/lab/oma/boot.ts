import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pick } from '../random.ts';
import { ROOT_DISK_BYTES } from '../state.ts';
import { appear, attachedVolumes, backingOf, forget, type Host, plugNow, releaseLeftOvers } from './devices.ts';

export type RestartReport = {
  readonly boot_id: string;
  readonly devices: readonly { readonly volume_id: string; readonly from: string | null; readonly to: string }[];
  /** Nodes that a process kept open over the boot. A real reboot would have ended it. */
  readonly still_held: readonly string[];
};

const RELEASE_MS = 2_000;

/** A new boot of the appliance: new boot id, every data disk under another name, new disk sequence numbers. */
export async function boot(host: Host): Promise<RestartReport> {
  const { state } = host.store;
  const before = new Map(state.host.devices.map((device) => [device.volumeId, device.name]));
  await host.tree.keepOnly([]);
  state.host.devices.splice(0);
  const stillHeld = await releaseLeftOvers(host, RELEASE_MS);
  state.host.ghosts = stillHeld;
  // A domain that is defined anew has only the disks that CloudStack knows of.
  state.host.orphans = [];
  state.host.bootId = randomUUID();
  await host.tree.setBootId(state.host.bootId);
  await appear(host, { volumeId: null, name: 'vda', serial: '', sizeBytes: ROOT_DISK_BYTES });
  const waiting = attachedVolumes(host);
  for (let volume = pick(state.random, waiting); volume !== undefined; volume = pick(state.random, waiting)) {
    waiting.splice(waiting.indexOf(volume), 1);
    volume.deviceless = false;
    await plugNow(host, volume, { avoid: before.get(volume.id) });
  }
  state.host.poweredOff = false;
  await host.store.flush();
  const devices = state.host.devices.flatMap(({ volumeId, name }) =>
    volumeId === null ? [] : [{ volume_id: volumeId, from: before.get(volumeId) ?? null, to: name }],
  );
  return { boot_id: state.host.bootId, devices, still_held: stillHeld };
}

/**
 * Brings devices and tree to what the state says. A lab that was killed leaves its loop devices: those stay what they
 * are, under the same boot. After a close or a restart of the machine it is a new boot.
 */
export async function recover(host: Host): Promise<void> {
  const { host: kernel } = host.store.state;
  await host.tree.create();
  await host.files.recover();
  const machineBootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const { ids, vms } = host.store.state;
  const oma = vms.find((vm) => vm.id === ids.omaVm && !vm.removed);
  const isOff = oma?.state !== 'Running' && oma?.state !== 'Stopping';
  if (isOff) await powerOff(host);
  else if (kernel.poweredOff || kernel.machineBootId !== machineBootId) await boot(host);
  else await repair(host);
  kernel.machineBootId = machineBootId;
  kernel.poweredOff = isOff;
  await host.store.flush();
  await releaseLeftOvers(host, RELEASE_MS);
}

async function repair(host: Host): Promise<void> {
  const { host: kernel } = host.store.state;
  const present = new Map((await host.nodes.existing(host.dir)).map((loop) => [loop.node, loop]));
  const volumes = new Map(attachedVolumes(host).map((volume) => [volume.id, volume]));
  for (const device of [...kernel.devices]) {
    const loop = present.get(device.node);
    const backing = backingOf(host, device.volumeId);
    const right =
      host.nodes.kind === 'file' ? device.node === backing : loop?.dev === device.dev && loop.backingFile === backing;
    const volume = device.volumeId === null ? undefined : volumes.get(device.volumeId);
    if (right && (device.volumeId === null || volume !== undefined)) {
      if (!(await host.tree.holds(device))) await host.tree.add(device);
      continue;
    }
    await forget(host, device);
    const { dev: _dev, node: _node, diskseq: _diskseq, ...same } = device;
    if (device.volumeId === null) await appear(host, same);
    else if (volume !== undefined) await plugNow(host, volume, { name: device.name });
  }
  for (const volume of volumes.values()) if (!volume.deviceless) await plugNow(host, volume);
  await host.tree.keepOnly(kernel.devices);
  await host.tree.setBootId(kernel.bootId);
}

/** The mapping of the appliance is gone; the volumes stay attached in CloudStack. */
export async function powerOff(host: Host): Promise<void> {
  const { host: kernel } = host.store.state;
  await host.tree.keepOnly([]);
  kernel.devices.splice(0);
  kernel.orphans = [];
  kernel.poweredOff = true;
  await host.store.flush();
  await releaseLeftOvers(host, RELEASE_MS);
}
