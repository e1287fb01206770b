import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Migration } from '../../../shared/contract/migrations.ts';
import { useConsole } from '../../live/console-context.tsx';
import { isEnded } from '../../live/entities.ts';
import { useCommand } from '../../live/use-command.ts';

/** Cancel asks in place; what it does is said before, not after. */
export function MigrationActions({ migration }: { readonly migration: Migration }) {
  const { client, store, clock, signal } = useConsole();
  const [asked, setAsked] = useState(false);
  const act = (name: 'cancelMigration' | 'resumeMigration') => async (): Promise<void> => {
    const changed = await client.call(name, { params: { id: migration.id } }, { signal });
    setAsked(false);
    store.apply({ kind: 'migration', migration: changed, at: clock.now() });
  };
  const cancel = useCommand(act('cancelMigration'));
  const resume = useCommand(act('resumeMigration'));
  const failure = cancel.failure ?? resume.failure;

  if (isEnded(migration)) return null;
  if (asked) {
    return (
      <div className="inline-confirm" role="group" aria-label="Confirm cancel">
        <p>
          {failure === null
            ? 'The movers stop, the exports close and the volumes are detached. Volumes that received data are kept.'
            : `${failure.error} ${failure.remedy}`}
        </p>
        <Button
          size="xs"
          variant="default"
          autoFocus
          onClick={() => {
            setAsked(false);
          }}
        >
          Keep running
        </Button>
        <Button size="xs" color="red" loading={cancel.busy} onClick={cancel.run}>
          Cancel migration
        </Button>
      </div>
    );
  }
  return (
    <div className="inline-confirm">
      {failure !== null && <p role="alert">{`${failure.error} ${failure.remedy}`}</p>}
      {migration.status === 'held' && (
        <Button size="xs" loading={resume.busy} onClick={resume.run}>
          Resume
        </Button>
      )}
      <Button
        size="xs"
        variant="default"
        disabled={migration.cancel_requested}
        onClick={() => {
          setAsked(true);
        }}
      >
        {migration.cancel_requested ? 'Cancelling' : 'Cancel'}
      </Button>
    </div>
  );
}
