import { Button, FocusTrap } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Bridge, WindowToPage } from '../../shared/client/bridge.ts';
import { plural } from '../ui/format.ts';
import './quit-question.css';

/** Asked in the page when the window is closed while migrations run. */
export function QuitQuestion({ bridge }: { readonly bridge: Bridge }) {
  const [message, setMessage] = useState<WindowToPage | null>(null);
  useEffect(() => {
    bridge.onWindow(setMessage);
  }, [bridge]);
  useEffect(() => {
    // Only now is the question on the screen; the window stops counting this page as dead.
    if (message?.kind === 'confirm-quit') bridge.tellWindow({ kind: 'asking' });
  }, [bridge, message]);
  if (message === null) return null;
  if (message.kind === 'quitting') return <Quitting />;
  const keep = (): void => {
    setMessage(null);
    bridge.tellWindow({ kind: 'keep-running' });
  };
  return (
    <div className="quit-question">
      <FocusTrap>
        <section
          role="alertdialog"
          aria-modal="true"
          aria-labelledby="quit-title"
          aria-describedby="quit-text"
          onKeyDown={(event) => {
            if (event.key === 'Escape') keep();
          }}
        >
          <h2 id="quit-title">Quit the console?</h2>
          <p id="quit-text">
            {plural(message.unfinished, 'migration is', 'migrations are')} running. Quit: movers stop at a checkpoint,
            jobs resume at the next start.
          </p>
          <div className="actions">
            <Button variant="default" data-autofocus onClick={keep}>
              Keep running
            </Button>
            <Button
              color="red"
              onClick={() => {
                bridge.tellWindow({ kind: 'quit' });
              }}
            >
              Quit
            </Button>
          </div>
        </section>
      </FocusTrap>
    </div>
  );
}

function Quitting() {
  return (
    <div className="quit-question">
      <section role="status">
        <h2>Quitting</h2>
        <p>The movers stop at a checkpoint; unfinished jobs resume at the next start.</p>
      </section>
    </div>
  );
}
