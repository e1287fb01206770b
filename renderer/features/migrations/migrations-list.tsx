import { useState } from 'react';
import type { Migration } from '../../../shared/contract/migrations.ts';
import { formatBytes } from '../../../shared/units.ts';
import { useLive, useNow } from '../../live/console-context.tsx';
import { isEnded, type LiveState } from '../../live/entities.ts';
import { copiedBytes, migrationFigures } from '../../live/figures.ts';
import { newestFirst } from '../../live/select.ts';
import { Badge } from '../../ui/badge.tsx';
import { Blank, Loading } from '../../ui/blank.tsx';
import { FilterInput, matches } from '../../ui/filter-input.tsx';
import { formatInstant, formatRate, formatSeconds, percentOf, plural, secondsBetween } from '../../ui/format.ts';
import { ProofBadge } from '../../ui/proof-badge.tsx';
import { goTo, hrefOf } from '../../ui/route.ts';
import { type Column, Table } from '../../ui/table.tsx';
import { phaseWords, statusWords } from '../../ui/words.ts';

export function MigrationsList() {
  const { migrations, frames, loaded } = useLive((state) => state);
  const [filter, setFilter] = useState('');
  const all = newestFirst(Object.values(migrations));
  const shown = all.filter((entry) =>
    matches(filter, [entry.vm_name, entry.status, entry.id, entry.error?.code ?? null]),
  );
  const now = useNow(all.some((entry) => !isEnded(entry)));

  return (
    <div className="page">
      <header className="page-head">
        <h1>Migrations</h1>
        <span className="soft">{loaded && plural(all.length, 'migration')}</span>
        <span className="fill" />
        <FilterInput label="Filter migrations" value={filter} onChange={setFilter} />
      </header>
      <div className="page-scroll">
        {!loaded && <Loading what="Reading the migrations" />}
        {loaded && all.length === 0 && (
          <Blank title="No migration yet">
            <p>
              Open a VM in <a href={hrefOf('virtual-machines')}>Virtual machines</a> and start one there.
            </p>
          </Blank>
        )}
        {loaded && all.length > 0 && shown.length === 0 && <Blank title="No migration matches the filter" />}
        {shown.length > 0 && (
          <Table
            label="Migrations"
            columns={columns(frames, now)}
            rows={shown}
            rowKey={(entry) => entry.id}
            onOpen={(entry) => {
              goTo('migrations', entry.id);
            }}
          />
        )}
      </div>
    </div>
  );
}

function columns(frames: LiveState['frames'], now: string): readonly Column<Migration>[] {
  return [
    { title: 'VM', cell: (entry) => <strong>{entry.vm_name}</strong>, sortBy: (entry) => entry.vm_name },
    { title: 'Status', cell: (entry) => <Status migration={entry} />, sortBy: (entry) => entry.status },
    { title: 'Phase', cell: (entry) => phaseWords[entry.phase].name },
    { title: 'Disks', align: 'end', cell: (entry) => entry.disks.length, sortBy: (entry) => entry.disks.length },
    {
      title: 'Copied',
      align: 'end',
      cell: (entry) => `${formatBytes(copiedBytes(entry, frames))} of ${formatBytes(entry.bytes_total)}`,
      sortBy: (entry) => entry.bytes_copied,
    },
    {
      title: 'Progress',
      align: 'end',
      cell: (entry) => {
        const { doneBytes, totalBytes } = migrationFigures(entry, frames);
        return `${percentOf(doneBytes, totalBytes).toFixed(0)} %`;
      },
    },
    { title: 'Rate', align: 'end', cell: (entry) => formatRate(migrationFigures(entry, frames).rate) },
    { title: 'Started', cell: (entry) => formatInstant(entry.created_at, now), sortBy: (entry) => entry.created_at },
    {
      title: 'Duration',
      align: 'end',
      cell: (entry) => formatSeconds(secondsBetween(entry.created_at, entry.completed_at ?? now)),
      sortBy: (entry) => secondsBetween(entry.created_at, entry.completed_at ?? now),
    },
  ];
}

function Status({ migration }: { readonly migration: Migration }) {
  if (migration.status === 'completed' && migration.proof !== null) return <ProofBadge migration={migration} />;
  const { name, tone } = statusWords[migration.status];
  return <Badge tone={tone}>{name}</Badge>;
}
