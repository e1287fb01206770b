import { Button } from '@mantine/core';
import { IconArrowRight, IconTransfer } from '@tabler/icons-react';
import type { Migration } from '../../../shared/contract/migrations.ts';
import { useConsole } from '../../live/console-context.tsx';
import { isEnded, type Vm } from '../../live/entities.ts';
import { useCommand } from '../../live/use-command.ts';
import { ErrorCard } from '../../ui/error-card.tsx';
import { goTo } from '../../ui/route.ts';

/** One click starts. A VM that cannot be migrated now says why instead. */
export function StartMigration({ vm, last }: { readonly vm: Vm; readonly last: Migration | null }) {
  const { client, store, clock, signal } = useConsole();
  const start = useCommand(async () => {
    const migration = await client.call('createMigration', { body: { vm_id: vm.vm_id } }, { signal });
    store.apply({ kind: 'migration', migration, at: clock.now() });
    goTo('migrations', migration.id);
  });
  const running = last !== null && !isEnded(last);
  const obstacle = obstacleOf(vm);

  if (running) return <OpenLast migration={last} text="Open the running migration" variant="filled" />;
  return (
    <div>
      <Button
        fullWidth
        leftSection={<IconTransfer size={16} />}
        loading={start.busy}
        disabled={obstacle !== null}
        aria-describedby={obstacle === null ? undefined : 'start-obstacle'}
        onClick={start.run}
      >
        {last === null ? 'Migrate' : 'Migrate again'}
      </Button>
      {obstacle !== null && (
        <p id="start-obstacle" className="start-note soft">
          {obstacle}
        </p>
      )}
      {start.failure !== null && (
        <div className="start-note">
          <ErrorCard failure={start.failure} />
        </div>
      )}
      {last !== null && (
        <div className="start-note">
          <OpenLast migration={last} text="Open the last migration" variant="default" />
        </div>
      )}
    </div>
  );
}

function OpenLast(props: {
  readonly migration: Migration;
  readonly text: string;
  readonly variant: 'filled' | 'default';
}) {
  return (
    <Button
      fullWidth
      variant={props.variant}
      rightSection={<IconArrowRight size={16} />}
      onClick={() => {
        goTo('migrations', props.migration.id);
      }}
    >
      {props.text}
    </Button>
  );
}

function obstacleOf(vm: Vm): string | null {
  if (vm.power_state === 'on') return 'Powered on: its disks change while they are copied. Shut the VM down first.';
  if (vm.power_state === 'suspended')
    return 'Suspended: what its memory holds is not on its disks. Shut the VM down first.';
  if (vm.disks.length === 0) return 'This VM has no disks.';
  return null;
}
