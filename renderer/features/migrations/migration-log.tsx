import { useLive } from '../../live/console-context.tsx';
import { formatInstant } from '../../ui/format.ts';

/** What the daemon said about this migration since the window was opened. */
export function MigrationLog({ jobId, now }: { readonly jobId: string; readonly now: string }) {
  const log = useLive((state) => state.log);
  const lines = log.filter((line) => line.jobId === jobId);
  if (lines.length === 0) return null;
  return (
    <section className="card" aria-label="Log">
      <ol className="log-lines">
        {lines.map((line) => (
          <li key={line.seq} className={line.level}>
            <span className="soft">{formatInstant(line.at, now)}</span>
            <span>{line.message}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
