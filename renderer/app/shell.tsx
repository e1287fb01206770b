import { useEffect } from 'react';
import type { Environment } from '../../shared/client/bridge.ts';
import { DevicesPage } from '../features/devices/devices-page.tsx';
import { MigrationsPage } from '../features/migrations/migrations-page.tsx';
import { OperationsPage } from '../features/operations/operations-page.tsx';
import { VirtualMachinesPage } from '../features/virtual-machines/virtual-machines-page.tsx';
import { useLive } from '../live/console-context.tsx';
import { useRoute } from '../ui/route.ts';
import { ConnectionBanner } from './connection-banner.tsx';
import { Navigation } from './navigation.tsx';
import { SignedOut } from './not-opened.tsx';
import { RecentTasks } from './recent-tasks.tsx';
import { TopBar } from './top-bar.tsx';
import './shell.css';

const contents = {
  'virtual-machines': VirtualMachinesPage,
  migrations: MigrationsPage,
  devices: DevicesPage,
  operations: OperationsPage,
} as const;

export function Shell({ environment }: { readonly environment: Environment | null }) {
  const { page } = useRoute();
  const connection = useLive((state) => state.connection);
  useInteractiveReport();
  if (connection.state === 'signed-out') return <SignedOut />;
  const Content = contents[page];
  return (
    <div className="shell">
      <TopBar environment={environment} />
      <ConnectionBanner />
      <Navigation page={page} />
      <main>
        <Content />
      </main>
      <RecentTasks />
    </div>
  );
}

/** Start-up time and screenshots count from here: the data is on the screen and the feed runs. */
function useInteractiveReport(): void {
  const interactive = useLive((state) => state.loaded && (state.vmsLoaded || state.vmsFailure !== null));
  useEffect(() => {
    if (!interactive || window.ossea === undefined) return;
    const { ossea } = window;
    // Two frames: the first one that contains the data has then been painted.
    requestAnimationFrame(() => {
      requestAnimationFrame(() => {
        ossea.tellWindow({ kind: 'interactive' });
      });
    });
  }, [interactive]);
}
