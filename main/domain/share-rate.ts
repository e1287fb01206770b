export type Sharer = { readonly id: string; readonly jobId: string | null; readonly host: string | null };

/** Bytes per second; null: no limit. */
export type RateLimits = {
  /** Of all movers together. */
  readonly link: number | null;
  /** Of all that read from one ESXi host. */
  readonly host: number | null;
  readonly job: (jobId: string) => number | null;
};

type Cap = { left: number; readonly members: Set<string> };

/**
 * What each mover may send: all rise together until a limit is used up; whoever is under it stays there, the others go on
 * (max-min fairness). So no limit is passed, none is left unused while somebody could use it, and nobody gets nothing.
 */
export function shareRate(sharers: readonly Sharer[], limits: RateLimits): ReadonlyMap<string, number | null> {
  const caps = capsOf(sharers, limits);
  const shares = new Map<string, number | null>(sharers.map(({ id }) => [id, null]));
  let level = 0;
  for (let cap = tightest(caps); cap !== undefined; cap = tightest(caps)) {
    const rise = cap.left / cap.members.size;
    level += rise;
    for (const other of caps) other.left -= rise * other.members.size;
    // Floors, so that rounding never adds up to more than the limit; 1 is the least that is not "unlimited".
    for (const id of cap.members) shares.set(id, Math.max(1, Math.floor(level)));
    const settled = [...cap.members];
    for (const other of caps) for (const id of settled) other.members.delete(id);
  }
  return shares;
}

/** The one that is used up first as all rise. */
const tightest = (caps: readonly Cap[]): Cap | undefined =>
  caps.filter(({ members }) => members.size > 0).sort((a, b) => a.left / a.members.size - b.left / b.members.size)[0];

function capsOf(sharers: readonly Sharer[], { link, host, job }: RateLimits): Cap[] {
  const cap = (limit: number | null, members: readonly Sharer[]): Cap[] =>
    limit === null ? [] : [{ left: limit, members: new Set(members.map(({ id }) => id)) }];
  const of = (key: 'jobId' | 'host'): [string, Sharer[]][] => {
    const groups = new Map<string, Sharer[]>();
    for (const sharer of sharers) {
      const group = sharer[key];
      if (group !== null) groups.set(group, [...(groups.get(group) ?? []), sharer]);
    }
    return [...groups];
  };
  return [
    ...cap(link, sharers),
    ...of('host').flatMap(([, members]) => cap(host, members)),
    ...of('jobId').flatMap(([jobId, members]) => cap(job(jobId), members)),
  ];
}
