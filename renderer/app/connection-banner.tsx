import { useLive, useNow } from '../live/console-context.tsx';
import { formatSeconds, secondsBetween } from '../ui/format.ts';

/** What is shown may be old: how old, and why. The pages stay as they were. */
export function ConnectionBanner() {
  const connection = useLive((state) => state.connection);
  const lastSeenAt = useLive((state) => state.lastSeenAt);
  const lost = connection.state === 'lost';
  const now = useNow(lost);
  if (!lost) return null;
  const age =
    lastSeenAt === null
      ? 'Never connected'
      : `Last seen ${formatSeconds(Math.round(secondsBetween(lastSeenAt, now)))} ago`;
  return (
    <div className="banner" role="alert">
      <strong>{age}</strong>
      <span>
        {connection.failure.error} {connection.failure.remedy}
      </span>
      {connection.failure.cause !== undefined && <span className="soft">{connection.failure.cause}</span>}
    </div>
  );
}
