import type { NbdExport } from '../../../shared/contract/exports.ts';
import { formatBytes } from '../../../shared/units.ts';
import { exportKey } from '../../live/entities.ts';
import { Badge } from '../../ui/badge.tsx';
import { formatInstant } from '../../ui/format.ts';
import { hrefOf } from '../../ui/route.ts';
import { type Column, Table } from '../../ui/table.tsx';

type Props = { readonly exports: readonly NbdExport[]; readonly now: string };

export function ExportsTable({ exports, now }: Props) {
  return (
    <Table
      label="NBD exports"
      columns={columns(now)}
      rows={exports}
      rowKey={exportKey}
      isDimmed={(entry) => entry.status === 'closed'}
    />
  );
}

const columns = (now: string): readonly Column<NbdExport>[] => [
  { title: 'Export', cell: (entry) => <span className="mono">{entry.export_name}</span> },
  {
    title: 'State',
    cell: (entry) =>
      entry.status === 'active' ? (
        <Badge tone="active">Active</Badge>
      ) : (
        `Closed ${entry.closed_at === null ? '' : formatInstant(entry.closed_at, now)}`
      ),
  },
  {
    title: 'Migration',
    cell: (entry) =>
      entry.job_id === null ? '–' : <a href={hrefOf('migrations', entry.job_id)}>{entry.vm_name ?? entry.job_id}</a>,
  },
  { title: 'Device', cell: (entry) => <span className="mono">{entry.device_path}</span> },
  { title: 'dev', cell: (entry) => <span className="mono">{entry.dev}</span> },
  { title: 'Port', align: 'end', cell: (entry) => entry.port },
  { title: 'Opened', cell: (entry) => formatInstant(entry.opened_at, now), sortBy: (entry) => entry.opened_at },
  { title: 'Connected clients', cell: (entry) => <Clients entry={entry} /> },
];

function Clients({ entry }: { readonly entry: NbdExport }) {
  if (entry.clients.length === 0) return <span className="soft">none</span>;
  return entry.clients.map((client) => (
    <div key={client.pid}>
      pid {client.pid}, port {client.peer_port}, {formatBytes(client.bytes_written)} written
    </div>
  ));
}
