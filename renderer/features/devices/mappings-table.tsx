import type { DeviceMapping, Volume } from '../../../shared/contract/volumes.ts';
import { formatBytes } from '../../../shared/units.ts';
import { Badge } from '../../ui/badge.tsx';
import { formatInstant } from '../../ui/format.ts';
import { type Column, Table } from '../../ui/table.tsx';

type Props = {
  readonly mappings: readonly DeviceMapping[];
  readonly volumes: Readonly<Record<string, Volume>>;
  readonly now: string;
};

export function MappingsTable({ mappings, volumes, now }: Props) {
  return (
    <Table
      label="Device mappings"
      columns={columns(volumes, now)}
      rows={mappings}
      rowKey={(mapping) => mapping.id}
      isDimmed={(mapping) => mapping.ended_at !== null}
    />
  );
}

function columns(volumes: Props['volumes'], now: string): readonly Column<DeviceMapping>[] {
  return [
    {
      title: 'Volume',
      cell: (mapping) => (
        <span className="two-lines">
          <span className="clip" title={volumes[mapping.volume_id]?.name}>
            {volumes[mapping.volume_id]?.name ?? 'Volume'}
          </span>
          <span className="mono soft">{mapping.volume_id}</span>
        </span>
      ),
    },
    {
      title: 'Device',
      cell: (mapping) => <span className="mono">{mapping.device_path}</span>,
      sortBy: (mapping) => mapping.device_path,
    },
    { title: 'State', cell: (mapping) => <State mapping={mapping} now={now} /> },
    {
      title: 'Serial',
      cell: (mapping) => <span className="mono">{mapping.serial === '' ? 'none' : mapping.serial}</span>,
    },
    {
      title: 'Size',
      align: 'end',
      cell: (mapping) => formatBytes(mapping.size_bytes),
      sortBy: (mapping) => mapping.size_bytes,
    },
    { title: 'dev', cell: (mapping) => <span className="mono">{mapping.dev}</span> },
    { title: 'diskseq', align: 'end', cell: (mapping) => <span className="mono">{mapping.diskseq ?? '–'}</span> },
    {
      title: 'Observed at, in boot',
      cell: (mapping) => (
        <span className="two-lines">
          {formatInstant(mapping.observed_at, now)}
          <span className="mono soft">{mapping.boot_id}</span>
        </span>
      ),
      sortBy: (mapping) => mapping.observed_at,
    },
  ];
}

function State({ mapping, now }: { readonly mapping: DeviceMapping; readonly now: string }) {
  return (
    <span className="two-lines">
      {mapping.ended_at === null ? <Badge tone="good">Proved</Badge> : `Ended ${formatInstant(mapping.ended_at, now)}`}
      <span className="soft">
        {mapping.ended_because ?? (mapping.ended_at === null ? provedBy(mapping) : 'no longer this volume')}
      </span>
    </span>
  );
}

function provedBy({ evidence }: DeviceMapping): string {
  if (evidence.kind === 'only-new-device') return 'the only new device, exact size';
  return evidence.excess_bytes === 0 ? 'by serial' : `by serial, ${formatBytes(evidence.excess_bytes)} larger`;
}
