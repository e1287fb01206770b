import { join } from 'node:path';
import { AppError, asAppError } from '../../../shared/errors.ts';
import type { DatastoreFile, SnapshotDisk } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DatastoreLocation } from '../../ports/datastore-access.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { writeDurably } from './durable-file.ts';
import type { ReaderRequest, SourceReader } from './source-reader.ts';
import { startNbdkitReader } from './start-nbdkit-reader.ts';

/** A session may end at any moment: the cookie is made sure of this often, and nbdkit reads it again as often. */
const cookieEverySeconds = 4;
/** One a second: longer than it takes until a new cookie is there and read. */
const readRetries = 15;

/**
 * nbdkit reads a disk of a vCenter over HTTPS, from its datastore (rule M7) or what a snapshot froze. It trusts the accepted certificate alone, and gets the cookie
 * from a file that only we can read: a secret in an argument could be seen by everybody.
 */
export async function startHttpsReader(
  { source, folder, logPath, clock, datastores }: ReaderRequest<DatastoreFile | SnapshotDisk>,
  options: Signalled,
): Promise<SourceReader> {
  const location = await datastores.locate(source, options);
  const files = { cookie: join(folder, 'c'), trusted: join(folder, 't') };
  writeDurably(files.trusted, location.certificatePem);
  writeDurably(files.cookie, headerOf(await location.sessionCookie(options)));
  const renewing = keepFresh({ location, path: files.cookie, clock });
  try {
    const nbdkit = await startNbdkitReader(
      {
        source,
        folder,
        logPath,
        clock,
        args: [
          '--filter=retry',
          'curl',
          `url=${location.url}`,
          `cainfo=${files.trusted}`,
          'followlocation=false',
          'protocols=https',
          'timeout=60',
          `cookie-script=cat ${shellWord(files.cookie)}`,
          `cookie-script-renew=${String(cookieEverySeconds)}`,
          `retries=${String(readRetries)}`,
          'retry-delay=1',
          'retry-exponential=no',
        ],
      },
      options,
    );
    return {
      socketPath: nbdkit.socketPath,
      lastLines: () => [renewing.trouble(), nbdkit.lastLines()].filter((line) => line !== '').join('\n'),
      stop: async () => {
        renewing.stop();
        await Promise.all([nbdkit.stop(), renewing.ended]);
      },
    };
  } catch (error) {
    renewing.stop();
    await renewing.ended;
    throw error;
  }
}

const headerOf = (cookie: string): string => `${cookie}\n`;
const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

type Renewal = { readonly location: DatastoreLocation; readonly path: string; readonly clock: Clock };

/** Asks for the cookie again and again, which keeps the session alive, or opens a new one. */
function keepFresh({ location, path, clock }: Renewal) {
  const stopping = new AbortController();
  let trouble = '';
  const renew = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(cookieEverySeconds * 1000, { signal: stopping.signal });
      try {
        writeDurably(path, headerOf(await location.sessionCookie({ signal: stopping.signal })));
        trouble = '';
      } catch (error) {
        stopping.signal.throwIfAborted();
        // The old cookie may still do. If it does not, the read fails, and this is said as its cause.
        trouble = asAppError(error).message;
      }
    }
  };
  const ended = renew().catch((error: unknown) => {
    if (error !== stopping.signal.reason) throw error;
  });
  return {
    ended,
    trouble: () => trouble,
    stop: () => {
      stopping.abort(new AppError('CANCELLED'));
    },
  };
}
