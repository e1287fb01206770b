/** What was opened, newest last; closed in reverse, also when opening fails half way. */
export type Opened = (() => Promise<void> | void)[];

/** What `open` makes, with what closes it all again. */
export async function openAll<T extends object>(
  open: (opened: Opened) => Promise<T>,
): Promise<T & { close(): Promise<void> }> {
  const opened: Opened = [];
  const close = (): Promise<void> => closeAll(opened);
  try {
    return { ...(await open(opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What cannot be closed keeps nothing else open: a process with half of it left would never end. It is thrown at the end. */
async function closeAll(opened: Opened): Promise<void> {
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
