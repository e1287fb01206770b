import { Button } from '@mantine/core';
import { type AppError, toErrorBody } from '../../shared/errors.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import './full-page.css';

/** The window opened but the console did not: the reason in the page, never in a dialog that blocks. */
export function NotOpened({ error }: { readonly error: AppError }) {
  if (error.code === 'UNAUTHORIZED') return <SignedOut />;
  return (
    <main className="full-page">
      <div>
        <h1>The console could not be opened</h1>
        <ErrorCard failure={toErrorBody(error)} />
        <div className="actions">
          <StartAgain />
        </div>
      </div>
    </main>
  );
}

/** A browser can ask again; the window's daemon has ended, so only a new start helps. */
function StartAgain() {
  const { ossea } = window;
  const [words, act] =
    ossea === undefined
      ? ['Load again', () => window.location.reload()]
      : ['Quit', () => ossea.tellWindow({ kind: 'quit' })];
  return (
    <Button variant="default" onClick={act}>
      {words}
    </Button>
  );
}

export function SignedOut() {
  return (
    <main className="full-page">
      <div>
        <h1>Open the address that the daemon printed</h1>
        <p>
          This browser has no session with the daemon, or the session has ended. The daemon prints an address that ends
          in <span className="mono">#code=</span> at its start; that code works once. Start the daemon again to get a
          new one.
        </p>
      </div>
    </main>
  );
}
