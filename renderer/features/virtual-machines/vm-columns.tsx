import type { Migration } from '../../../shared/contract/migrations.ts';
import { formatBytes } from '../../../shared/units.ts';
import type { Vm } from '../../live/entities.ts';
import { Badge } from '../../ui/badge.tsx';
import { ProofBadge } from '../../ui/proof-badge.tsx';
import type { Column } from '../../ui/table.tsx';
import { statusWords } from '../../ui/words.ts';
import { guestOsWords } from './guest-os.ts';

/** `Production/Web`, below the folder that every datacenter has; empty for image files. */
export const folderOf = (vm: Vm): string =>
  (vm.folder_path ?? '')
    .split('/')
    .slice(3)
    .map((part) => part.replaceAll('%2f', '/').replaceAll('%5c', '\\').replaceAll('%25', '%'))
    .join(' / ');

export const totalBytes = (vm: Vm): number => vm.disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0);

const inPane = ['Folder', 'Guest OS', 'CPU', 'Memory'];

/** Beside the open pane the table is narrow, and leaves out what the pane shows. */
export function vmColumns(last: ReadonlyMap<string, Migration>, narrow: boolean): readonly Column<Vm>[] {
  const columns = allColumns(last);
  return narrow ? columns.filter((column) => !inPane.includes(column.title)) : columns;
}

function allColumns(last: ReadonlyMap<string, Migration>): readonly Column<Vm>[] {
  return [
    { title: 'Name', cell: (vm) => <span className="vm-name">{vm.name}</span>, sortBy: (vm) => vm.name },
    { title: 'Power', cell: (vm) => <Power vm={vm} />, sortBy: (vm) => vm.power_state },
    { title: 'Folder', cell: folderOf, sortBy: folderOf },
    { title: 'Guest OS', cell: (vm) => <GuestOs vm={vm} />, sortBy: guestOsWords },
    { title: 'CPU', cell: (vm) => vm.cpu_count, sortBy: (vm) => vm.cpu_count, align: 'end' },
    {
      title: 'Memory',
      cell: (vm) => formatBytes(vm.memory_mib * 1024 * 1024),
      sortBy: (vm) => vm.memory_mib,
      align: 'end',
    },
    { title: 'Disks', cell: (vm) => vm.disks.length, sortBy: (vm) => vm.disks.length, align: 'end' },
    { title: 'Total size', cell: (vm) => formatBytes(totalBytes(vm)), sortBy: totalBytes, align: 'end' },
    {
      title: 'Last migration',
      cell: (vm) => <LastMigration migration={last.get(vm.vm_id)} />,
      sortBy: (vm) => last.get(vm.vm_id)?.status ?? '',
    },
  ];
}

/** The names of guests are long; the whole of it is in the pane. */
function GuestOs({ vm }: { readonly vm: Vm }) {
  const words = guestOsWords(vm);
  return (
    <span className="cut-short" title={words}>
      {words}
    </span>
  );
}

const powerWords = { on: 'Powered on', off: 'Powered off', suspended: 'Suspended' } as const;

export function Power({ vm }: { readonly vm: Vm }) {
  return <span className={`power ${vm.power_state}`}>{powerWords[vm.power_state]}</span>;
}

function LastMigration({ migration }: { readonly migration: Migration | undefined }) {
  if (migration === undefined) return <span className="soft">Not migrated</span>;
  if (migration.proof !== null && migration.status === 'completed') return <ProofBadge migration={migration} />;
  const { name, tone } = statusWords[migration.status];
  return <Badge tone={tone}>{name}</Badge>;
}
