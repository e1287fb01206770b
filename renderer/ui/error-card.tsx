import { IconAlertTriangle } from '@tabler/icons-react';
import { CopyButton } from './copy-button.tsx';
import './error-card.css';

type Failure = {
  readonly error: string;
  readonly code: string;
  readonly cause?: string | undefined;
  readonly remedy: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
};

type Props = {
  readonly failure: Failure;
  readonly leftBehind?: readonly string[];
  /** Parked for a person, nothing undone: not the same as failed. */
  readonly held?: boolean;
};

/** Every failure has four parts: what, which code and cause, what is left behind, what to do. Words come from the catalogue. */
export function ErrorCard({ failure, leftBehind = [], held = false }: Props) {
  return (
    <section className={held ? 'error-card held' : 'error-card'} role="alert">
      <IconAlertTriangle size={18} aria-hidden />
      <h3>{failure.error}</h3>
      <CopyButton label="Copy details" value={JSON.stringify({ ...failure, left_behind: leftBehind }, null, 2)} />
      <dl>
        <dt>Code</dt>
        <dd className="mono">{failure.code}</dd>
        {failure.cause !== undefined && (
          <>
            <dt>Cause</dt>
            <dd>{failure.cause}</dd>
          </>
        )}
        {leftBehind.length > 0 && (
          <>
            <dt>Left behind</dt>
            <dd>{leftBehind.join('\n')}</dd>
          </>
        )}
        <dt>What to do</dt>
        <dd>{failure.remedy}</dd>
      </dl>
    </section>
  );
}
