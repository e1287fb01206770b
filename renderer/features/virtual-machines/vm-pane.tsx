import { CloseButton } from '@mantine/core';
import type { Migration } from '../../../shared/contract/migrations.ts';
import { formatBytes } from '../../../shared/units.ts';
import type { Vm } from '../../live/entities.ts';
import { Copyable, Facts } from '../../ui/facts.tsx';
import { guestOsWords } from './guest-os.ts';
import { StartMigration } from './start-migration.tsx';
import { folderOf, Power, totalBytes } from './vm-columns.tsx';
import { VsphereFacts } from './vsphere-facts.tsx';

type Props = { readonly vm: Vm; readonly last: Migration | null; readonly onClose: () => void };

export function VmPane({ vm, last, onClose }: Props) {
  return (
    <aside className="pane" aria-label={`VM ${vm.name}`}>
      <div className="pane-head">
        <h2>{vm.name}</h2>
        <CloseButton size="sm" aria-label="Close details" onClick={onClose} />
      </div>
      <StartMigration vm={vm} last={last} />
      <Facts
        facts={[
          ['Power', <Power key="power" vm={vm} />],
          ['Guest OS', guestOsWords(vm)],
          ['Firmware', vm.firmware === 'efi' ? 'EFI' : 'BIOS'],
          ['CPU, memory', `${String(vm.cpu_count)} vCPU, ${formatBytes(vm.memory_mib * 1024 * 1024)}`],
          ['Source', vm.source_kind === 'images' ? 'Disk images' : 'vSphere'],
          ...(vm.folder_path === null ? [] : [['Folder', folderOf(vm)] as const]),
          ['VM UUID', <Copyable key="id" name="VM UUID" value={vm.vm_id} />],
        ]}
      />
      {vm.source_kind === 'vsphere' && <VsphereFacts vmId={vm.vm_id} />}
      <section aria-label="Disks">
        <h3>
          Disks, {formatBytes(totalBytes(vm))} in {vm.disks.length}
        </h3>
        {vm.disks.map((disk) => (
          <div className="pane-disk" key={disk.key}>
            <div className="pane-disk-head">
              <span>{disk.label}</span>
              <span>{formatBytes(disk.capacity_bytes)}</span>
            </div>
            <Facts
              facts={[
                ['Unit', `${disk.unit}, key ${String(disk.key)}`],
                ['Format', disk.format === 'datastore' ? 'Datastore file' : disk.format],
                [
                  'File',
                  <span key="path" className="mono">
                    {disk.path}
                  </span>,
                ],
              ]}
            />
          </div>
        ))}
      </section>
      <section aria-label="Network adapters">
        <h3>Network adapters</h3>
        {vm.nics.length === 0 && <p className="soft">None</p>}
        {vm.nics.map((nic) => (
          <div className="pane-disk" key={nic.mac}>
            <div className="pane-disk-head">
              <span>{nic.label}</span>
            </div>
            <Facts
              facts={[
                ['Network', nic.network],
                [
                  'MAC',
                  <span key="mac" className="mono">
                    {nic.mac}
                  </span>,
                ],
              ]}
            />
          </div>
        ))}
      </section>
    </aside>
  );
}
