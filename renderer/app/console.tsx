import { createTheme, MantineProvider } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Environment } from '../../shared/client/bridge.ts';
import { createClient } from '../../shared/client/client.ts';
import type { AppError } from '../../shared/errors.ts';
import { asAppError } from '../../shared/errors.ts';
import type { PageClock } from '../live/clock.ts';
import { type ConsoleAccess, ConsoleProvider } from '../live/console-context.tsx';
import { follow } from '../live/follow.ts';
import { createLiveStore } from '../live/store.ts';
import { connect } from './connect.ts';
import { ErrorBoundary } from './error-boundary.tsx';
import { NotOpened } from './not-opened.tsx';
import { QuitQuestion } from './quit-question.tsx';
import { Shell } from './shell.tsx';
import { Starting } from './starting.tsx';

type Props = { readonly page: Window; readonly clock: PageClock; readonly signal: AbortSignal };

type Opening =
  | { readonly state: 'starting' }
  | { readonly state: 'open'; readonly access: ConsoleAccess; readonly environment: Environment | null }
  | { readonly state: 'not-opened'; readonly error: AppError };

/** All variables and classes come from style sheets: the page's policy allows no style element. */
const theme = createTheme({ respectReducedMotion: true, cursorType: 'pointer', defaultRadius: 'sm' });

export function Console({ page, clock, signal }: Props) {
  const opening = useOpening({ page, clock, signal });
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <ErrorBoundary>
        {opening.state === 'starting' && <Starting />}
        {opening.state === 'not-opened' && <NotOpened error={opening.error} />}
        {opening.state === 'open' && (
          <ConsoleProvider value={opening.access}>
            <Shell environment={opening.environment} />
          </ConsoleProvider>
        )}
        {page.ossea !== undefined && <QuitQuestion bridge={page.ossea} />}
      </ErrorBoundary>
    </MantineProvider>
  );
}

function useOpening({ page, clock, signal }: Props): Opening {
  const [opening, setOpening] = useState<Opening>({ state: 'starting' });
  useEffect(() => {
    const open = async (): Promise<void> => {
      const { transport, environment } = await connect(page, signal);
      const store = createLiveStore();
      const access = { client: createClient(transport), store, clock, signal };
      setOpening({ state: 'open', access, environment });
      await follow(access);
    };
    open().catch((error: unknown) => {
      if (!signal.aborted) setOpening({ state: 'not-opened', error: asAppError(error) });
    });
  }, [page, clock, signal]);
  return opening;
}
