import { z } from 'zod';

/** A VM definition file. Paths are relative to it. The id, not the name, is the VM's identity. */
const disk = z.strictObject({
  key: z.int().nonnegative(),
  label: z.string().min(1),
  unit: z.string().min(1),
  file: z.string().min(1),
  format: z.enum(['raw', 'qcow2', 'vmdk', 'ova']),
  member: z.string().min(1).optional(),
});

const nic = z.strictObject({
  label: z.string().min(1),
  mac: z.string().regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i, 'must look like 00:50:56:aa:bb:cc'),
  network: z.string().min(1),
});

export const vmDefinition = z
  .strictObject({
    vm_id: z.uuid(),
    name: z.string().min(1).max(128),
    cpu_count: z.int().positive(),
    memory_mib: z.int().positive(),
    firmware: z.enum(['bios', 'efi']),
    guest_os: z.string(),
    power_state: z.enum(['on', 'off']),
    disks: z.array(disk).min(1),
    nics: z.array(nic),
  })
  .superRefine((vm, context) => {
    const keys = new Set<number>();
    for (const [index, { key, format, member }] of vm.disks.entries()) {
      if (keys.has(key)) {
        context.addIssue({ code: 'custom', path: ['disks', index, 'key'], message: `${key} is used twice` });
      }
      keys.add(key);
      if ((format === 'ova') !== (member !== undefined)) {
        const message = format === 'ova' ? 'must name the disk file in the archive' : 'is for format ova only';
        context.addIssue({ code: 'custom', path: ['disks', index, 'member'], message });
      }
    }
  });

export type VmDefinition = z.infer<typeof vmDefinition>;
