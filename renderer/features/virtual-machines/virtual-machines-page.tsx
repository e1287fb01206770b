import { Button } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useState } from 'react';
import { useConsole, useLive } from '../../live/console-context.tsx';
import { readVms } from '../../live/follow.ts';
import { lastMigrationByVm } from '../../live/select.ts';
import { useCommand } from '../../live/use-command.ts';
import { Blank, Loading } from '../../ui/blank.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { FilterInput, matches } from '../../ui/filter-input.tsx';
import { plural } from '../../ui/format.ts';
import { goTo, useRoute } from '../../ui/route.ts';
import { Table } from '../../ui/table.tsx';
import { guestOsWords } from './guest-os.ts';
import { folderOf, vmColumns } from './vm-columns.tsx';
import { VmPane } from './vm-pane.tsx';
import './virtual-machines.css';

/** More rows than this make the page slow to scroll. */
const mostRows = 500;

/** The inventory of the sources; a click on a row opens the VM, its button starts the migration. */
export function VirtualMachinesPage() {
  const access = useConsole();
  const { vms, vmsLoaded, vmsFailure, migrations } = useLive((state) => state);
  const [filter, setFilter] = useState('');
  const { id } = useRoute();
  const again = useCommand(() => readVms(access));
  const last = lastMigrationByVm(migrations);
  const shown = vms
    .filter((vm) => matches(filter, [vm.name, folderOf(vm), guestOsWords(vm), vm.vm_id, vm.power_state]))
    .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const listed = shown.slice(0, mostRows);
  const selected = vms.find((vm) => vm.vm_id === id) ?? null;

  return (
    <div className="page">
      <header className="page-head">
        <h1>Virtual machines</h1>
        <span className="soft">{vmsLoaded && plural(vms.length, 'VM')}</span>
        <span className="fill" />
        <FilterInput label="Filter VMs" value={filter} onChange={setFilter} />
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={14} />}
          loading={again.busy}
          onClick={again.run}
        >
          Refresh
        </Button>
      </header>
      <div className="page-scroll">
        <div className={selected === null ? 'inventory' : 'inventory with-pane'}>
          <div className="list">
            {vmsFailure !== null && <ErrorCard failure={vmsFailure} />}
            {shown.length > 0 && (
              <Table
                label="Virtual machines"
                columns={vmColumns(last, selected !== null)}
                rows={listed}
                rowKey={(vm) => vm.vm_id}
                selectedKey={selected?.vm_id ?? null}
                onOpen={(vm) => {
                  goTo('virtual-machines', vm.vm_id);
                }}
              />
            )}
            {shown.length > listed.length && (
              <p className="soft">
                {plural(shown.length - listed.length, 'more VM')}: narrow the list with the filter.
              </p>
            )}
            <Nothing loaded={vmsLoaded} failed={vmsFailure !== null} total={vms.length} shown={shown.length} />
          </div>
          {selected !== null && (
            <VmPane
              key={selected.vm_id}
              vm={selected}
              last={last.get(selected.vm_id) ?? null}
              onClose={() => {
                goTo('virtual-machines');
              }}
            />
          )}
        </div>
      </div>
    </div>
  );
}

function Nothing(props: {
  readonly loaded: boolean;
  readonly failed: boolean;
  readonly total: number;
  readonly shown: number;
}) {
  if (!props.loaded) return props.failed ? null : <Loading what="Reading the inventory of the sources" />;
  if (props.total === 0) {
    return (
      <Blank title="The sources list no VMs">
        <p>
          Add a vCenter with `ossea site add`, or put the definition of a VM beside its disk images in the source
          folder.
        </p>
      </Blank>
    );
  }
  return props.shown === 0 ? <Blank title="No VM matches the filter" /> : null;
}
