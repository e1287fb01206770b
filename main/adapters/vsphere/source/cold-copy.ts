import { AppError } from '../../../../shared/errors.ts';
import type { DatastoreFile } from '../../../domain/vm.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { DatastoreLocation } from '../../../ports/datastore-access.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { SourceState, Vcenter } from '../../../ports/vcenter.ts';
import { lookAtFile } from './folder-file.ts';

type Parts = {
  readonly vcenter: Vcenter;
  /** The accepted certificate; asked for anew, and refused when it is another one. */
  readonly certificatePem: (options: Signalled) => Promise<string>;
  readonly certificateSha256: string;
  readonly clock: Clock;
};

/** Rule M7: a disk is read over /folder only while its VM is off, without snapshots, from a flat file. */
export function coldCopy({ vcenter, certificatePem, certificateSha256, clock }: Parts): {
  locate(file: DatastoreFile, options: Signalled): Promise<DatastoreLocation>;
  /** What must be the same before the copy, after it and after the proof. Throws VM_STATE, SOURCE_UNREADABLE. */
  fingerprint(file: DatastoreFile, options: Signalled): Promise<string>;
} {
  const offState = async (
    file: DatastoreFile,
    code: 'VM_STATE' | 'SOURCE_CHANGED',
    options: Signalled,
  ): Promise<SourceState> => {
    const state = await vcenter.sourceState(file.vmMoRef, { ...options, diskKey: file.diskKey });
    refuseRunning(file, state, code);
    return state;
  };
  /** Where the file is, if it is still the disk that was meant. */
  const urlOf = async (file: DatastoreFile, options: Signalled): Promise<string> => {
    const vm = await vcenter.vm(file.vmMoRef, options);
    const disk = vm.disks.find(({ key }) => key === file.diskKey);
    if (disk?.vmdkPath !== file.path || disk.capacityBytes !== file.capacityBytes) {
      throw new AppError('SOURCE_CHANGED', `${file.path} is no longer the disk that was to be copied.`, {
        was: { vmdk: file.path, capacity_bytes: file.capacityBytes },
        is: disk === undefined ? null : { vmdk: disk.vmdkPath, capacity_bytes: disk.capacityBytes },
      });
    }
    return vcenter.folderUrl(vm, disk);
  };
  return {
    fingerprint: async (file, options) => {
      const { changeVersion, backingFiles } = await offState(file, 'VM_STATE', options);
      const url = await urlOf(file, options);
      const cookie = await vcenter.sessionCookie(options);
      const { sizeBytes, modified } = await lookAtFile({ url, cookie, certificateSha256 }, { clock, ...options });
      if (sizeBytes !== null && sizeBytes !== file.capacityBytes)
        throw new AppError(
          'SOURCE_UNREADABLE',
          `${file.path} has ${String(sizeBytes)} bytes, the disk ${String(file.capacityBytes)}.`,
        );
      return JSON.stringify({ change_version: changeVersion, backing_files: backingFiles, file_modified: modified });
    },
    locate: async (file, options) => {
      // Only a copy under way asks where to read: it was off when that began.
      await offState(file, 'SOURCE_CHANGED', options);
      return {
        url: await urlOf(file, options),
        certificatePem: await certificatePem(options),
        sessionCookie: (how) => vcenter.sessionCookie(how),
      };
    },
  };
}

function refuseRunning(
  { path }: DatastoreFile,
  { powerState, snapshotCount }: SourceState,
  code: 'VM_STATE' | 'SOURCE_CHANGED',
): void {
  const details = { power_state: powerState, snapshots: snapshotCount };
  const is = powerState ?? 'in an unknown power state';
  if (powerState !== 'off')
    throw new AppError(code, `The VM of ${path} is ${is}; its disks can be read only while it is off.`, details);
  if (snapshotCount > 0)
    throw new AppError(
      code,
      `The VM of ${path} has snapshots (${String(snapshotCount)}): the file is not the whole disk.`,
      details,
    );
}
