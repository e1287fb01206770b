import type { SnapshotDisk } from '../../domain/vm.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from './find-program.ts';
import { runProgram } from './run-program.ts';
import type { ReaderRequest, SourceReader } from './source-reader.ts';
import { startNbdkitReader, unreadable } from './start-nbdkit-reader.ts';

/**
 * nbdkit reads a snapshot with VMware's disk library. It knows the vCenter by the SHA-1 of the certificate that was
 * accepted, and gets the password by a descriptor: a secret in an argument could be seen by everybody.
 */
export async function startVddkReader(
  { source, folder, logPath, clock, datastores }: ReaderRequest<SnapshotDisk>,
  options: Signalled,
): Promise<SourceReader> {
  const place = await datastores.library(source, options);
  const reader = await startNbdkitReader(
    {
      source,
      folder,
      logPath,
      clock,
      args: [
        'vddk',
        `libdir=${place.libdir}`,
        `server=${place.host}`,
        `port=${String(place.port)}`,
        `user=${place.username}`,
        'password=-3',
        `thumbprint=${place.thumbprint}`,
        `vm=moref=${source.vmMoRef}`,
        `snapshot=${source.snapshotMoRef}`,
        // Encrypted, or not at all: the library would otherwise fall back to a transport that anybody can read.
        'transports=nbdssl',
        // The whole chain below the snapshot, not only its last link.
        'single-link=false',
        `file=${source.path}`,
      ],
      secret: await place.password(options),
    },
    options,
  );
  try {
    await readOneSector(source, reader, options);
  } catch (error) {
    await reader.stop();
    throw error;
  }
  return reader;
}

/** The library opens the disk for the first client: what it has against it is said before a copy is begun. */
async function readOneSector(source: SnapshotDisk, reader: SourceReader, options: Signalled): Promise<void> {
  const uri = `nbd+unix:///?socket=${encodeURIComponent(reader.socketPath)}`;
  const args = ['--kill-after=1', '120', findProgram('qemu-io'), '-r', '-f', 'raw', '-c', 'read 0 512', uri];
  const exit = await runProgram({ path: findProgram('timeout'), args }, options);
  if (exit.code === 0) return;
  const said = reader.lastLines();
  throw unreadable(source, `its first sector could not be read. ${said === '' ? exit.stderr.trim() : said}`);
}
