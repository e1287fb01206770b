import type { Migrating } from './migrate-vm.ts';

type Disk = Migrating['request']['disks'][number];

export const createName = (disk: Disk): string => `create-volume:${String(disk.key)}`;

/** Unique by the id of the operation that makes it; readable for a person who looks at the cloud. */
export function volumeName({ parts, context, request }: Migrating, disk: Disk): string {
  const vm = request.vm_name.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(0, 60);
  return `ossea-${vm}-${String(disk.key)}-${parts.ids.derive(context.runId, createName(disk))}`;
}
