import { useEffect } from 'react';
import { asAppError, toErrorBody } from '../../../shared/errors.ts';
import { useConsole, useLive, useNow } from '../../live/console-context.tsx';
import { Blank, Loading } from '../../ui/blank.tsx';
import { ExportsTable } from './exports-table.tsx';
import { MappingsTable } from './mappings-table.tsx';
import './devices.css';

const refreshMs = 2000;

/** Which Linux device each volume is, what proved it, and who is connected to its export. */
export function DevicesPage() {
  const { mappings, exports, volumes, nbdServer, loaded, connection } = useLive((state) => state);
  const now = useNow(false);
  useFreshClients(connection.state === 'live');
  const mapped = Object.values(mappings).sort((a, b) => b.observed_at.localeCompare(a.observed_at));
  const exported = Object.values(exports).sort((a, b) => b.opened_at.localeCompare(a.opened_at));

  return (
    <div className="page">
      <header className="page-head">
        <h1>Devices &amp; exports</h1>
        <span className="fill" />
        <span className="soft">
          {nbdServer === null || nbdServer.pid === null
            ? 'NBD server: not running'
            : `NBD server: pid ${String(nbdServer.pid)}, 127.0.0.1:${String(nbdServer.port)}`}
        </span>
      </header>
      <div className="page-scroll devices">
        {!loaded && <Loading what="Reading the mappings" />}
        {loaded && mapped.length === 0 && exported.length === 0 && (
          <Blank title="No volume is attached to the appliance">
            <p>
              A migration attaches its volumes, proves by serial or size which device each one is, and exports that
              device. Mappings and exports are listed here, the ended ones with their reason.
            </p>
          </Blank>
        )}
        {mapped.length > 0 && (
          <section>
            <h2>Device mappings</h2>
            <MappingsTable mappings={mapped} volumes={volumes} now={now} />
          </section>
        )}
        {exported.length > 0 && (
          <section>
            <h2>NBD exports</h2>
            <ExportsTable exports={exported} now={now} />
          </section>
        )}
      </div>
    </div>
  );
}

/** Clients are read from /proc at the moment of asking and are in no event, so an open page asks again. */
function useFreshClients(live: boolean): void {
  const { client, store, clock, signal } = useConsole();
  useEffect(() => {
    if (!live) return;
    const controller = new AbortController();
    const stop = (): void => {
      controller.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    const keepFresh = async (): Promise<void> => {
      for (;;) {
        const { exports, server_pid, port } = await client.call(
          'listExports',
          { query: { limit: 1000 } },
          { signal: controller.signal },
        );
        store.apply({ kind: 'exports', exports, nbdServer: { pid: server_pid, port }, at: clock.now() });
        await clock.sleep(refreshMs, { signal: controller.signal });
      }
    };
    keepFresh().catch((error: unknown) => {
      if (controller.signal.aborted) return;
      // The feed may be well while this call fails; the banner then tells which error it was.
      const kind = asAppError(error).code === 'UNAUTHORIZED' ? 'signed-out' : 'lost';
      store.apply({ kind, failure: toErrorBody(error), at: clock.now() });
    });
    return () => {
      signal.removeEventListener('abort', stop);
      controller.abort();
    };
  }, [client, store, clock, signal, live]);
}
