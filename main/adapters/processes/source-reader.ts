import { AppError } from '../../../shared/errors.ts';
import type { SourceImage } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DatastoreAccess } from '../../ports/datastore-access.ts';
import type { Signalled, Waiting } from '../../ports/signalled.ts';
import { startHttpsReader } from './https-reader.ts';
import { startQemuNbd } from './qemu-nbd.ts';
import { startVddkReader } from './vddk-reader.ts';

/** A read-only NBD server over the bytes of a source, on a Unix socket. */
export type SourceReader = {
  readonly socketPath: string;
  /** The last lines that it said, for the cause of an error. */
  lastLines(): string;
  stop(): Promise<void>;
};

export type ReaderRequest<Source extends SourceImage = SourceImage> = {
  readonly source: Source;
  readonly folder: string;
  readonly logPath: string;
  readonly clients: number;
  readonly clock: Clock;
  readonly datastores: DatastoreAccess;
};

type Options = Signalled & { readonly waiting?: Waiting | undefined };

/** Reads from a vCenter wait for their turn here, whoever they are for: the host and vCenter bear only so many. */
export async function startSourceReader(request: ReaderRequest, options: Options): Promise<SourceReader> {
  const { source, datastores } = request;
  if (source.format !== 'datastore' && source.format !== 'snapshot') return startReader(request, options);
  const leave = await datastores.enter(source, options);
  try {
    const reader = await startReader(request, options);
    return {
      ...reader,
      stop: async () => {
        try {
          await reader.stop();
        } finally {
          leave();
        }
      },
    };
  } catch (error) {
    leave();
    throw error;
  }
}

async function startReader(request: ReaderRequest, options: Signalled): Promise<SourceReader> {
  const { source } = request;
  switch (source.format) {
    case 'datastore':
      return startHttpsReader({ ...request, source }, options);
    case 'snapshot':
      return (source.reader === 'vddk' ? startVddkReader : startHttpsReader)({ ...request, source }, options);
    case 'vma':
      throw new AppError('INTERNAL', `${source.path} is read by its VMA.`);
    default:
      return startQemuNbd({ ...request, source }, options);
  }
}
