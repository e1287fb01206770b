import { AppError } from '../../../shared/errors.ts';
import type { SourceImage } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DatastoreAccess } from '../../ports/datastore-access.ts';
import type { Signalled } from '../../ports/signalled.ts';
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

export async function startSourceReader(request: ReaderRequest, options: Signalled): Promise<SourceReader> {
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
