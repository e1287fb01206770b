import type { Handlers } from '../../shared/contract/calls.ts';
import type { NameIn, Table } from '../../shared/contract/endpoint.ts';
import type { openRecords } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemIds } from '../adapters/system/ids.ts';
import { type Api, type ApiOptions, startApi } from '../api/server.ts';
import { createAnswerOnce } from '../usecases/answer-once.ts';
import { createDispatch, type Dispatch } from '../usecases/dispatch.ts';
import { type Opened, publishEndpoint } from './data-dir.ts';
import type { EndpointFile } from './endpoint-file.ts';

type Served<T extends Table> = Omit<ApiOptions<T>, 'dispatch' | 'clock'> & {
  readonly handlers: Handlers<T>;
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly dataDir: string;
  readonly about: Omit<EndpointFile, 'url' | 'token' | 'pid'>;
};

/** The one door of a data directory: over HTTP, and for whoever runs in this process. */
export async function serveApi<T extends Table>(
  { handlers, records, dataDir, about, ...options }: Served<T>,
  opened: Opened,
): Promise<{ readonly api: Api; readonly dispatch: Dispatch<NameIn<T>> }> {
  const { answered, store } = records;
  const answerOnce = createAnswerOnce({ answered, store, ids: systemIds });
  const dispatch = createDispatch({ table: options.table, handlers, answerOnce });
  const api = await startApi({ ...options, dispatch, clock: systemClock });
  opened.push(() => api.close());
  publishEndpoint(dataDir, opened, { ...about, url: api.url, token: options.token, pid: process.pid });
  return { api, dispatch };
}
