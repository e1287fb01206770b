import { type ErrorEntry, fail, hold, wait } from './error-entry.ts';
import { scheduleErrors } from './schedule-errors.ts';
import { tunnelErrors } from './tunnel-errors.ts';
import { vcenterErrors } from './vcenter-errors.ts';
import { vmaErrors } from './vma-errors.ts';

/** The one catalogue of errors. REST, IPC, CLI and the window show the same object. */
export const catalogue = {
  CANCELLED: fail(409, 'The work was cancelled.', 'Start it again when you are ready.'),
  CHANGES_UNKNOWN: fail(
    422,
    'What changed on the disk since the last run cannot be told for certain.',
    'Copy the disk in full; the list of changed areas must not be used.',
  ),
  CLOUD_AUTH: hold(
    422,
    'CloudStack refused the API key or the signature.',
    'Check the API key, the secret and the clock of this machine, then resume the migration.',
  ),
  CLOUD_JOB_FAILED: fail(
    422,
    'CloudStack accepted the request but its job failed.',
    'Read the cause given by CloudStack, mend it there, then start again.',
  ),
  CLOUD_LIMIT: fail(
    422,
    'A CloudStack limit does not allow this.',
    'Raise the limit of the account or the disk offering, or free resources, then start again.',
  ),
  CLOUD_REFUSED: fail(
    422,
    'CloudStack refused the request.',
    'Read the cause given by CloudStack and correct the request.',
  ),
  CLOUD_REPLY_INVALID: fail(
    422,
    'CloudStack answered with something this console does not understand.',
    'Check that the address is a CloudStack API endpoint; report the reply if it is.',
  ),
  CLOUD_UNREACHABLE: wait(
    503,
    'CloudStack cannot be reached.',
    'Nothing to do if it comes back: the work goes on by itself. Else check network and address.',
  ),
  CONFIRM_REQUIRED: fail(
    409,
    'This would destroy received data.',
    'Repeat the request with `confirm` equal to the name of the volume.',
  ),
  DAEMON_UNREACHABLE: wait(
    503,
    'The daemon does not answer.',
    'It is tried again by itself. Migrations go on without the window; if it stays, start the daemon again.',
  ),
  DATA_DIR_FULL: wait(
    503,
    'The data directory is full.',
    'Free space on its file system; the work goes on by itself. Nothing was started that could not be recorded.',
  ),
  DATA_DIR_IN_USE: fail(
    409,
    'Another daemon already works on this data directory.',
    'Use that one (its address is in endpoint.json), or stop it first.',
  ),
  DATA_DIR_KIND: fail(
    409,
    'A data directory is for the demo environment, for real sites or for a VMA, for life.',
    'Use another data directory.',
  ),
  DETACH_FAILED: hold(
    422,
    'CloudStack did not release the volume from the appliance.',
    'Look at why in CloudStack, then resume, which asks it again unless the volume is detached by then. Its data is proved already.',
  ),
  DEVICE_AMBIGUOUS: hold(
    409,
    'More than one device could be this volume.',
    'Nothing was written. Detach what does not belong to the appliance, then resume.',
  ),
  DEVICE_CHANGED: hold(
    409,
    'A device is no longer the volume it was proved to be.',
    'Nothing was written after the change. Look at the evidence, put the devices right, then resume.',
  ),
  DEVICE_HELD: hold(
    409,
    'Something on the appliance holds the device.',
    'Release it (the holder is named), then resume.',
  ),
  DEVICE_NOT_FOUND: hold(
    409,
    'No device on the appliance is proved to be this volume.',
    'Check in CloudStack that the volume is attached to the appliance, then resume.',
  ),
  EXPORT_FAILED: wait(
    503,
    'The NBD server does not serve the export.',
    'It is tried again by itself. If it stays, look at the message of nbd-server in the cause.',
  ),
  EXPORT_NOT_CLOSED: hold(
    409,
    'An export could not be closed: a process still holds the device.',
    'End the process named in the cause, then resume.',
  ),
  FORBIDDEN: fail(403, 'The request does not come from this console.', 'Open the console from the address it printed.'),
  GUEST_STILL_ON: hold(
    409,
    'The guest did not shut down in time.',
    'It was not switched off by force. Shut it down inside the guest or power it off in vCenter, then resume.',
  ),
  HOST_RESTARTED: wait(
    503,
    'The appliance was restarted.',
    'Nothing to do: its devices are proved anew and the work goes on by itself.',
  ),
  HOST_UNREADABLE: wait(
    503,
    'The device tree of the appliance cannot be read.',
    'Check that the appliance is up and that its path is right; the work goes on by itself.',
  ),
  IDEMPOTENCY_KEY_REUSED: fail(
    422,
    'This Idempotency-Key belongs to another request.',
    'Use a new key for a new request; the same key only for the same request sent again.',
  ),
  INTEGRITY: fail(
    422,
    'The target is not identical to the source.',
    'Do not use the volume. It is kept for examination; start the migration again to copy to a new one.',
  ),
  INTERNAL: hold(
    500,
    'The console met a condition it does not know.',
    'Nothing was undone. Report the cause with the log, then resume.',
  ),
  INVALID_REQUEST: fail(400, 'The request is not valid.', 'Correct the fields named in the details.'),
  LAB_UNAVAILABLE: wait(
    503,
    'The demo environment is not running.',
    'It is started again by itself. If it stays, read lab.log in the data directory.',
  ),
  MAPPING_NOT_FOUND: fail(
    404,
    'No device of the appliance is known to be this volume.',
    'Attach it through the daemon, which proves its device; one that is attached already is adopted where it is.',
  ),
  METHOD_NOT_ALLOWED: fail(405, 'This address does not know that method.', 'See the OpenAPI document.'),
  MOVER_FAILED: wait(
    422,
    'The program that copies the data ended with an error.',
    'It is tried again from the last checkpoint. If it stays, read its output in the cause.',
  ),
  NOT_FOUND: fail(404, 'There is no such thing.', 'Check the id.'),
  OMA_OWNED: fail(
    409,
    'Another console owns this appliance.',
    'Use that console. If it is gone for good, start this one with --take-over: what the other one made is then left alone.',
  ),
  PAYLOAD_TOO_LARGE: fail(413, 'The request is too large.', 'Send less.'),
  PORT_IN_USE: fail(409, 'The port is taken.', 'Stop the program that holds it, or name another port.'),
  PROGRAM_MISSING: hold(
    503,
    'A program that is needed is not installed.',
    'Install the package named in the cause, then start again.',
  ),
  ...scheduleErrors,
  SCHEMA_NEWER: fail(
    409,
    'The database was written by a newer version.',
    'Use that version, or restore the backup made before it.',
  ),
  SHUTTING_DOWN: hold(
    503,
    'The daemon is shutting down.',
    'Unfinished migrations go on by themselves at the next start.',
  ),
  SITE_EXISTS: fail(409, 'A site of this name is there already.', 'Choose another name, or change that site.'),
  SITE_IN_USE: fail(
    409,
    'A migration from this site is not finished.',
    'Wait for it or cancel it, then remove the site.',
  ),
  SITE_MISSING: fail(
    409,
    'No CloudStack site is set up in this data directory.',
    'Start with --lab for the demo environment.',
  ),
  SLOTS_TOO_FEW: fail(
    422,
    'The VM has more disks than the appliance has slots.',
    'Raise the slots of the appliance in the settings if it has more, or use a larger appliance.',
  ),
  SNAPSHOT_NOT_OURS: fail(
    409,
    'The snapshot is not one of this console.',
    'It was left alone. Remove it in vCenter if it is not needed.',
  ),
  SOURCE_CHANGED: fail(
    422,
    'The source disk changed while it was copied.',
    'Stop what writes to it and start the migration again.',
  ),
  SOURCE_UNREADABLE: fail(422, 'The source disk cannot be read.', 'Check the file and the format named in the cause.'),
  TARGET_FULL: hold(
    422,
    'The storage behind the target volume is full.',
    'Free space on the primary storage, then resume.',
  ),
  ...tunnelErrors,
  UNAUTHORIZED: fail(
    401,
    'You are not signed in.',
    'Use the address that the daemon printed, or send the bearer token.',
  ),
  UNSUPPORTED_MEDIA_TYPE: fail(415, 'The body must be JSON.', 'Send Content-Type: application/json.'),
  VAULT_DAMAGED: hold(
    409,
    'The vault of secrets is not what was written.',
    'It was left as it is. Put back a copy of vault.json, or move it away and enter the passwords again; then resume.',
  ),
  VAULT_KEY_WRONG: hold(
    409,
    'The key does not open the vault of secrets.',
    'Use the passphrase or the key file of this vault, then resume. Nothing was changed.',
  ),
  VAULT_LOCKED: hold(
    409,
    'The vault of secrets is locked.',
    'Make one of its keys available (the cause names them), then resume.',
  ),
  VM_ACTIVE: fail(409, 'This VM already has a migration that is not finished.', 'Wait for it, or cancel it first.'),
  VM_STATE: fail(
    409,
    'The VM is not in the state that this needs.',
    'Bring it into the state named in the cause, then ask again.',
  ),
  VOLUME_AMBIGUOUS: hold(
    409,
    'CloudStack holds two volumes of the same name.',
    'Nothing was written. Remove the one that is not ours, then resume.',
  ),
  VOLUME_BUSY: wait(
    409,
    'An operation on this volume is not finished.',
    'Wait for the operation named in the details; a migration does so by itself.',
  ),
  VOLUME_IN_USE: hold(
    409,
    'The volume is in use.',
    'It was left alone. End the use named in the cause yourself if that is right, then try again.',
  ),
  VOLUME_NOT_OURS: fail(
    409,
    'The volume is not one of this console.',
    'It was left alone. Attach it through this console first, if it is to be taken over; one of another console only that console may touch.',
  ),
  VOLUME_VANISHED: hold(
    422,
    'A volume that we made is gone from CloudStack.',
    'It is not made again by itself. Look in CloudStack what removed it, then cancel and start a new migration.',
  ),
  WAIT_TIMEOUT: fail(503, 'The wait ended; the work itself goes on.', 'Ask for the operation again later.'),
  WORKFLOW_CHANGED: hold(
    409,
    'The journal of this run does not fit this version of the program.',
    'Finish it with the version that started it, or cancel it.',
  ),
  ...vcenterErrors,
  ...vmaErrors,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalogue;

/** The JSON form, on every transport. */
export type ErrorBody = {
  readonly error: string;
  readonly code: ErrorCode;
  readonly cause?: string | undefined;
  readonly remedy: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
};

export class AppError extends Error {
  readonly code: ErrorCode;
  /** What exactly happened, in words an administrator can act on. Never a secret. */
  readonly reason: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: ErrorCode,
    reason?: string,
    details?: Readonly<Record<string, unknown>>,
    options?: { cause?: unknown },
  ) {
    super(reason === undefined ? catalogue[code].summary : `${catalogue[code].summary} ${reason}`, options);
    this.name = 'AppError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

export function toErrorBody(error: unknown): ErrorBody {
  const known = asAppError(error);
  const entry = catalogue[known.code];
  return {
    error: entry.summary,
    code: known.code,
    ...(known.reason === undefined ? {} : { cause: known.reason }),
    remedy: entry.remedy,
    ...(known.details === undefined ? {} : { details: known.details }),
  };
}

/** Expected failures are AppErrors already; anything else is a bug and becomes INTERNAL with its text as the cause. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isFullDisk(error)) return new AppError('DATA_DIR_FULL', error.message, undefined, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('INTERNAL', reason, undefined, { cause: error });
}

/** The daemon's own files are all below its data directory. A watch says ENOSPC when there are no watches left. */
function isFullDisk(error: unknown): error is Error {
  const { code, syscall } = error instanceof Error ? (error as { code?: unknown; syscall?: unknown }) : {};
  return code === 'ENOSPC' && syscall !== 'watch';
}

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(catalogue, value);
}

/** Back from the JSON form; a code of a newer or foreign daemon becomes INTERNAL and keeps its words. */
export function fromErrorBody(body: {
  readonly error?: string | undefined;
  readonly code: string;
  readonly cause?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}): AppError {
  if (isErrorCode(body.code)) return new AppError(body.code, body.cause, body.details);
  return new AppError('INTERNAL', [body.code, body.error, body.cause].filter(Boolean).join(': '), body.details);
}
