import { type ErrorEntry, fail, hold, wait } from './error-entry.ts';

/** The part of the catalogue that only a VMA, or the way to one, can cause. */
export const vmaErrors = {
  ATTEMPT_STALE: fail(
    409,
    'The VMA has seen this attempt of the disk, or a later one.',
    'Nothing was written. A new run needs a higher attempt; the current one is named in the details.',
  ),
  DUPLICATE_TARGET: fail(
    422,
    'Two targets name the same disk or the same export.',
    'Nothing was written. Name each disk of the VM, and each export, once.',
  ),
  GATE_SHUT: fail(
    409,
    'The mover of this attempt is not at its gate.',
    'Nothing was written. Open the gate only while the status of the disk is `connected`.',
  ),
  MOVER_UNSAFE: hold(
    422,
    'The program that would copy the data cannot be used safely.',
    'It was not started. Use another one; the reason is named in the cause.',
  ),
  PROTOCOL_MISMATCH: hold(
    409,
    'The OMA and the VMA do not speak the same protocol.',
    'Nothing was started. Bring both to the same version; the details name what each of them speaks.',
  ),
  TARGET_TOO_SMALL: fail(
    422,
    'A target is smaller than the disk it is for.',
    'Nothing was written. Make the volume at least as large as the disk of the VM.',
  ),
  UNKNOWN_DISK: fail(
    422,
    'The VM has no disk with this key.',
    'Nothing was written. List the VM again: disks are named by their VMware key, never by their order.',
  ),
  VMA_UNREACHABLE: wait(
    503,
    'The VMA cannot be reached.',
    'Nothing to do if it comes back: the work goes on by itself. Else check that it runs, its address and the way there.',
  ),
} as const satisfies Record<string, ErrorEntry>;
