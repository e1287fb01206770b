import type { Migration } from '../../../shared/contract/migrations.ts';
import { formatBytes } from '../../../shared/units.ts';
import { useLive, useNow } from '../../live/console-context.tsx';
import { isEnded } from '../../live/entities.ts';
import { copiedBytes, migrationFigures } from '../../live/figures.ts';
import { Badge } from '../../ui/badge.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { formatInstant, formatRate, formatSeconds, formatTimeLeft, secondsBetween } from '../../ui/format.ts';
import { ProofBadge } from '../../ui/proof-badge.tsx';
import { hrefOf } from '../../ui/route.ts';
import { statusWords } from '../../ui/words.ts';
import { DiskCard } from './disk-card.tsx';
import { MigrationActions } from './migration-actions.tsx';
import { MigrationLog } from './migration-log.tsx';
import { PhaseTimeline } from './phase-timeline.tsx';
import './migration-view.css';

export function MigrationView({ migration }: { readonly migration: Migration }) {
  const now = useNow(!isEnded(migration));
  const { name, tone } = statusWords[migration.status];
  return (
    <div className="page">
      <header className="page-head">
        <h1>
          <a className="crumb" href={hrefOf('migrations')}>
            Migrations
          </a>
          <span className="crumb"> / </span>
          {migration.vm_name}
        </h1>
        <Badge tone={tone}>{migration.cancel_requested && !isEnded(migration) ? 'Cancelling' : name}</Badge>
        <ProofBadge migration={migration} />
        {migration.reason !== null && <span className="soft">{migration.reason}</span>}
        <span className="fill" />
        <MigrationActions migration={migration} />
      </header>
      <div className="page-scroll migration">
        {migration.error !== null && (
          <ErrorCard
            failure={migration.error}
            leftBehind={migration.left_behind}
            held={migration.status === 'held' || migration.status === 'waiting'}
          />
        )}
        <section className="card" aria-label="Phases">
          <PhaseTimeline migration={migration} now={now} />
          <Totals migration={migration} now={now} />
        </section>
        {migration.error === null && migration.left_behind.length > 0 && (
          <section className="card" aria-label="Left behind">
            {migration.left_behind.map((line) => (
              <p key={line}>{line}</p>
            ))}
          </section>
        )}
        {migration.disks.map((disk) => (
          <DiskCard key={disk.key} migration={migration} disk={disk} />
        ))}
        <MigrationLog jobId={migration.id} now={now} />
      </div>
    </div>
  );
}

function Totals({ migration, now }: { readonly migration: Migration; readonly now: string }) {
  const frames = useLive((state) => state.frames);
  const { rate, etaSeconds } = migrationFigures(migration, frames);
  const ended = isEnded(migration);
  const spent = secondsBetween(migration.created_at, migration.completed_at ?? now);
  const duration = ended ? spent : Math.floor(spent);
  const figures: readonly (readonly [string, string])[] = [
    ['Copied', `${formatBytes(copiedBytes(migration, frames))} of ${formatBytes(migration.bytes_total)}`],
    ...(ended ? [] : ([['Rate', formatRate(rate)]] as const)),
    ...(ended ? [] : ([['Time left', formatTimeLeft(etaSeconds)]] as const)),
    [ended ? 'Duration' : 'Running for', formatSeconds(duration)],
    ['Started', formatInstant(migration.created_at, now)],
    ...(migration.completed_at === null ? [] : ([['Ended', formatInstant(migration.completed_at, now)]] as const)),
  ];
  return (
    <dl className="figures">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
