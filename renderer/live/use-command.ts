import { useState } from 'react';
import { type ErrorBody, toErrorBody } from '../../shared/errors.ts';

/** A button's work: busy while it runs, its failure kept for the page to show, never thrown away. */
export function useCommand(work: () => Promise<void>): {
  readonly busy: boolean;
  readonly failure: ErrorBody | null;
  readonly run: () => void;
  readonly clear: () => void;
} {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ErrorBody | null>(null);
  const run = (): void => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    work()
      .catch((error: unknown) => {
        setFailure(toErrorBody(error));
      })
      .finally(() => {
        setBusy(false);
      });
  };
  const clear = (): void => {
    setFailure(null);
  };
  return { busy, failure, run, clear };
}
