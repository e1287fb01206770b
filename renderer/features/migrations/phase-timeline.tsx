import { IconCheck, IconLoader2, IconPlayerPauseFilled, IconX } from '@tabler/icons-react';
import { type Migration, type Phase, phases } from '../../../shared/contract/migrations.ts';
import { isEnded } from '../../live/entities.ts';
import { formatSeconds, secondsBetween } from '../../ui/format.ts';
import { phaseWords } from '../../ui/words.ts';
import './phase-timeline.css';

type State = 'done' | 'current' | 'paused' | 'stopped' | 'todo';
const stateWords: Readonly<Record<State, string>> = {
  done: 'done',
  current: 'running',
  paused: 'paused',
  stopped: 'stopped here',
  todo: 'not started',
};
const marks = {
  done: <IconCheck size={13} stroke={3} />,
  current: <IconLoader2 size={13} stroke={3} />,
  paused: <IconPlayerPauseFilled size={10} />,
  stopped: <IconX size={13} stroke={3} />,
  todo: null,
};

export function PhaseTimeline({ migration, now }: { readonly migration: Migration; readonly now: string }) {
  return (
    <ol className="timeline" aria-label="Phases of the migration">
      {phases.map((phase) => {
        const state = stateOf(migration, phase);
        const spent = secondsIn(migration, phase, now);
        return (
          <li key={phase} className={state} aria-current={state === 'current' ? 'step' : undefined}>
            <div className="rail">
              <span className="mark" aria-hidden>
                {marks[state]}
              </span>
            </div>
            <div className="phase-name">
              {phaseWords[phase].name}
              <span className="visually-hidden">, {stateWords[state]}</span>
            </div>
            <div className="phase-time">{spent === null ? <span className="soft">–</span> : formatSeconds(spent)}</div>
            <div className="phase-does">{phaseWords[phase].does}</div>
          </li>
        );
      })}
    </ol>
  );
}

function stateOf(migration: Migration, phase: Phase): State {
  const done = migration.status === 'completed' || migration.status === 'unverified';
  const at = phases.indexOf(migration.phase);
  const here = phases.indexOf(phase);
  if (done || here < at) return 'done';
  if (here > at) return 'todo';
  if (migration.status === 'held' || migration.status === 'waiting') return 'paused';
  return isEnded(migration) ? 'stopped' : 'current';
}

/** A phase can be entered again after a resume: its visits add up. */
function secondsIn(migration: Migration, phase: Phase, now: string): number | null {
  const visits = migration.timeline.filter((visit) => visit.phase === phase);
  if (visits.length === 0) return null;
  const end = migration.completed_at ?? now;
  return visits.reduce((sum, visit) => sum + secondsBetween(visit.started_at, visit.ended_at ?? end), 0);
}
