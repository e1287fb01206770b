import { type AppError, asAppError, catalogue } from '../../shared/errors.ts';

const isFailure = (error: AppError): boolean => catalogue[error.code].after === 'fail';

/**
 * Runs parts of one run side by side. When one fails for good, `stopOthers` is called once and all are awaited: nothing
 * of this run is still at work when the failure is thrown. A part that is only held lets the others come to their end.
 */
export async function settleAll<T>(parts: readonly Promise<T>[], stopOthers: () => Promise<void>): Promise<T[]> {
  let stopped: Promise<void> | undefined;
  const errors: AppError[] = [];
  const values: T[] = [];
  await Promise.all(
    parts.map(async (part, index) => {
      try {
        values[index] = await part;
      } catch (thrown) {
        const error = asAppError(thrown);
        errors.push(error);
        if (isFailure(error)) stopped ??= stopOthers();
      }
    }),
  );
  await stopped;
  const worst =
    errors.find((error) => isFailure(error) && error.code !== 'CANCELLED') ?? errors.find(isFailure) ?? errors[0];
  if (worst !== undefined) throw worst;
  return values;
}
