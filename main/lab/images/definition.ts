import { createHash } from 'node:crypto';
import { uuidFrom } from '../random.ts';
import type { VmPlan } from './catalogue.ts';

/** One DIR/vms/*.json, as the console's source "images" reads it. */
export type VmDefinition = {
  readonly vm_id: string;
  readonly name: string;
  readonly cpu_count: number;
  readonly memory_mib: number;
  readonly firmware: 'bios' | 'efi';
  readonly guest_os: string;
  readonly power_state: 'on' | 'off';
  readonly disks: readonly {
    readonly key: number;
    readonly label: string;
    readonly unit: string;
    readonly file: string;
    readonly format: string;
  }[];
  readonly nics: readonly { readonly label: string; readonly mac: string; readonly network: string }[];
};

export const vmIdOf = (name: string): string => uuidFrom(`vm ${name}`);

/** In the range that VMware gives to addresses set by hand. */
export function macOf(name: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(`mac ${name}`).digest();
  return ['00', '50', '56', ...[a & 0x3f, b, c].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

export const definitionOf = (plan: VmPlan): VmDefinition => ({
  vm_id: vmIdOf(plan.name),
  name: plan.name,
  cpu_count: plan.cpuCount,
  memory_mib: plan.memoryMib,
  firmware: plan.firmware,
  guest_os: plan.guestOs,
  power_state: plan.powerState,
  disks: plan.disks.map((disk, index) => ({
    key: 2000 + index,
    label: `Hard disk ${index + 1}`,
    unit: `SCSI (0:${index})`,
    file: `../images/${disk.file}`,
    format: disk.format,
  })),
  nics: [{ label: 'Network adapter 1', mac: macOf(plan.name), network: 'VM Network' }],
});
