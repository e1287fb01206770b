import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import type { Migration } from '../../../shared/contract/migrations.ts';
import type { Operation } from '../../../shared/contract/operations.ts';
import { useLive, useNow } from '../../live/console-context.tsx';
import { newestFirst } from '../../live/select.ts';
import { Badge } from '../../ui/badge.tsx';
import { Blank, Loading } from '../../ui/blank.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { FilterInput, matches } from '../../ui/filter-input.tsx';
import { formatInstant, formatSeconds, plural, secondsBetween } from '../../ui/format.ts';
import { hrefOf } from '../../ui/route.ts';
import { type Column, Table } from '../../ui/table.tsx';
import { operationStatusWords, operationWords } from '../../ui/words.ts';
import './operations.css';

type Show = 'all' | 'open' | 'failed';

export function OperationsPage() {
  const { operations, migrations, loaded } = useLive((state) => state);
  const [filter, setFilter] = useState('');
  const [show, setShow] = useState<Show>('all');
  const [openId, setOpenId] = useState<string | null>(null);
  const all = newestFirst(Object.values(operations));
  const shown = all.filter(
    (operation) =>
      isShown(operation, show) &&
      matches(filter, [
        operationWords[operation.type],
        operation.volume_id,
        operation.status,
        vmOf(operation, migrations),
      ]),
  );
  const now = useNow(all.some((operation) => operation.completed_at === null));
  const opened = openId === null ? undefined : operations[openId];

  return (
    <div className="page">
      <header className="page-head">
        <h1>Operations</h1>
        <span className="soft">{loaded && plural(all.length, 'operation')}</span>
        <span className="fill" />
        <SegmentedControl
          size="xs"
          aria-label="Show"
          value={show}
          onChange={(value) => {
            setShow(value);
          }}
          data={[
            { value: 'all', label: 'All' },
            { value: 'open', label: 'Not finished' },
            { value: 'failed', label: 'Failed' },
          ]}
        />
        <FilterInput label="Filter operations" value={filter} onChange={setFilter} />
      </header>
      <div className="page-scroll operations">
        {!loaded && <Loading what="Reading the operations" />}
        {loaded && shown.length === 0 && (
          <Blank title={all.length === 0 ? 'No volume operation yet' : 'No operation matches'}>
            {all.length === 0 && (
              <p>A migration creates, attaches and detaches volumes; each of these is an operation here.</p>
            )}
          </Blank>
        )}
        {shown.length > 0 && (
          <Table
            label="Operations"
            columns={columns(migrations, now)}
            rows={shown}
            rowKey={(operation) => operation.id}
            selectedKey={openId}
            onOpen={(operation) => {
              setOpenId(operation.id === openId ? null : operation.id);
            }}
          />
        )}
        {opened?.error != null && <ErrorCard failure={opened.error} />}
      </div>
    </div>
  );
}

const isShown = (operation: Operation, show: Show): boolean =>
  show === 'all' || (show === 'failed' ? operation.status === 'failed' : operation.completed_at === null);

const vmOf = (operation: Operation, migrations: Readonly<Record<string, Migration>>): string | null =>
  (operation.job_id === null ? undefined : migrations[operation.job_id])?.vm_name ?? null;

function columns(migrations: Readonly<Record<string, Migration>>, now: string): readonly Column<Operation>[] {
  return [
    { title: 'Operation', cell: (entry) => operationWords[entry.type], sortBy: (entry) => operationWords[entry.type] },
    { title: 'Status', cell: (entry) => <Status operation={entry} />, sortBy: (entry) => entry.status },
    {
      title: 'Migration',
      cell: (entry) =>
        entry.job_id === null ? (
          <span className="soft">–</span>
        ) : (
          <a href={hrefOf('migrations', entry.job_id)}>{vmOf(entry, migrations) ?? entry.job_id}</a>
        ),
    },
    {
      title: 'Volume',
      cell: (entry) =>
        entry.volume_id === null ? (
          <span className="soft">not known yet</span>
        ) : (
          <span className="mono">{entry.volume_id}</span>
        ),
    },
    { title: 'Started', cell: (entry) => formatInstant(entry.created_at, now), sortBy: (entry) => entry.created_at },
    {
      title: 'Duration',
      align: 'end',
      cell: (entry) => formatSeconds(secondsBetween(entry.created_at, entry.completed_at ?? now)),
      sortBy: (entry) => secondsBetween(entry.created_at, entry.completed_at ?? now),
    },
    {
      title: 'Reason or error',
      wrap: true,
      cell: (entry) => entry.error?.error ?? entry.reason ?? <span className="soft">–</span>,
    },
  ];
}

function Status({ operation }: { readonly operation: Operation }) {
  const { name, tone } = operationStatusWords[operation.status];
  return <Badge tone={operation.status === 'executing' && operation.reason !== null ? 'warn' : tone}>{name}</Badge>;
}
