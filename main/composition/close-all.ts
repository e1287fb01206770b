/** What was opened, newest last; closed in reverse, also when opening fails half way. */
export type Opened = (() => Promise<void> | void)[];

/** What cannot be closed keeps nothing else open: a process with half of it left would never end. It is thrown at the end. */
export async function closeAll(opened: Opened): Promise<void> {
  const failures: unknown[] = [];
  for (let next = opened.pop(); next !== undefined; next = opened.pop()) {
    try {
      await next();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '));
  if (failures.length === 1) throw failures[0];
}
