import type { Migration, MigrationDisk } from '../../../shared/contract/migrations.ts';
import type { DeviceMapping } from '../../../shared/contract/volumes.ts';
import { formatBytes } from '../../../shared/units.ts';
import { useLive } from '../../live/console-context.tsx';
import { diskFigures } from '../../live/figures.ts';
import { Copyable, type Fact, Facts } from '../../ui/facts.tsx';
import { formatRate, formatTimeLeft, percentOf } from '../../ui/format.ts';
import { Progress } from '../../ui/progress.tsx';
import { phaseWords, statusWords } from '../../ui/words.ts';
import { DiskProof } from './disk-proof.tsx';
import './disk-card.css';

type Props = { readonly migration: Migration; readonly disk: MigrationDisk };

const activityWords = {
  transfer: 'Copying',
  'hash-source': 'Hashing source and target',
  'hash-target': 'Hashing source and target',
  'prove-blank': 'Proving the volume blank',
} as const;

export function DiskCard({ migration, disk }: Props) {
  const frames = useLive((state) => state.frames);
  const mapping = useMapping(migration, disk);
  const unit = useLive(
    (state) =>
      state.vms.find((vm) => vm.vm_id === migration.vm_id)?.disks.find((source) => source.key === disk.key)?.unit ??
      null,
  );
  const figures = diskFigures(migration, disk, frames);
  const moving = migration.status === 'running' && figures.activity !== null;
  const activity = moving ? activityWords[figures.activity] : phaseWords[disk.phase].name;
  const shown = migration.status === 'completed' ? 'Done' : activity;
  return (
    <section className="card" aria-label={disk.label}>
      <div className="disk-head">
        <h2>{disk.label}</h2>
        <span className="soft">
          {unit === null ? `key ${String(disk.key)}` : unit}, {formatBytes(disk.capacity_bytes)}
        </span>
        <span className="amount">
          {shown}
          {': '}
          {formatBytes(figures.doneBytes)} of {formatBytes(figures.totalBytes)}
          {figures.rate !== null && `, ${formatRate(figures.rate)}`}
          {figures.etaSeconds !== null && figures.etaSeconds > 0 && `, ${formatTimeLeft(figures.etaSeconds)} left`}
        </span>
        <strong>{percentOf(figures.doneBytes, figures.totalBytes).toFixed(0)} %</strong>
      </div>
      <Progress
        label={`${disk.label}: ${shown}`}
        done={figures.doneBytes}
        total={figures.totalBytes}
        tone={statusWords[migration.status].tone}
      />
      <div className="disk-facts">
        <Facts facts={targetFacts(disk)} />
        <Facts facts={deviceFacts(disk, mapping)} />
      </div>
      <DiskProof disk={disk} />
    </section>
  );
}

/** The mapping under which this disk was copied: the volume's newest one of this volume. */
function useMapping(migration: Migration, disk: MigrationDisk): DeviceMapping | null {
  const mappings = useLive((state) => state.mappings);
  if (disk.volume_id === null || migration.disks.length === 0) return null;
  const ours = Object.values(mappings).filter((mapping) => mapping.volume_id === disk.volume_id);
  return ours.sort((a, b) => b.observed_at.localeCompare(a.observed_at))[0] ?? null;
}

function targetFacts(disk: MigrationDisk): readonly Fact[] {
  const resent = disk.segments_resent === 0 ? '' : `, ${String(disk.segments_resent)} sent again`;
  return [
    ['Volume', disk.volume_name === null ? null : <span className="mono">{disk.volume_name}</span>],
    ['CloudStack UUID', disk.volume_id === null ? null : <Copyable name="CloudStack UUID" value={disk.volume_id} />],
    ['Volume size', disk.volume_bytes === null ? null : formatBytes(disk.volume_bytes)],
    ['Copied', disk.mode === null ? null : copyWords(disk)],
    ['Read by', disk.mover === null ? null : <span title={disk.mover_because ?? ''}>{disk.mover}</span>],
    ['Segments', `${String(disk.segments_done)} of ${String(disk.segments_total)}${resent}`],
  ];
}

/** A full copy is told with its reason: an administrator who expected a delta must not have to search for it. */
function copyWords({ mode, full_because: because, bytes_changed: changed }: MigrationDisk): string {
  if (mode === 'delta') return `What changed: ${formatBytes(changed ?? 0)}`;
  return because === null ? 'In full' : `In full. ${because}`;
}

function deviceFacts(disk: MigrationDisk, mapping: DeviceMapping | null): readonly Fact[] {
  return [
    [
      'Device',
      disk.device_path === null ? null : (
        <>
          <span className="mono">{disk.device_path}</span>
          {mapping?.ended_at != null && <span className="soft"> (detached now)</span>}
        </>
      ),
    ],
    ['Evidence', disk.evidence === null ? null : evidenceWords(disk.evidence)],
    [
      'diskseq, dev',
      mapping === null ? null : <span className="mono">{`${mapping.diskseq ?? 'none'}, ${mapping.dev}`}</span>,
    ],
    ['Export', disk.export_name === null ? null : <span className="mono">{disk.export_name}</span>],
  ];
}

function evidenceWords(evidence: NonNullable<MigrationDisk['evidence']>) {
  if (evidence.kind === 'only-new-device')
    return `The only new device, size ${formatBytes(evidence.size_bytes)} exactly`;
  return (
    <>
      Serial <span className="mono">{evidence.serial}</span>
      {evidence.excess_bytes > 0 && `, ${formatBytes(evidence.excess_bytes)} larger than the volume`}
    </>
  );
}
