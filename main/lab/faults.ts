import { AppError } from '../../shared/errors.ts';
import { vcenterFaultTable } from './vcenter/fault-table.ts';

/** Where in the lab a fault acts. */
type FaultPoint =
  | 'request'
  | 'create'
  | 'reply'
  | 'job'
  | 'job-done'
  | 'device'
  | 'restart'
  | 'vc-request'
  | 'vc-reply'
  | 'vc-task'
  | 'vc-query'
  | 'vc-folder'
  | 'vc-snapshot-read';

type FaultRow = { readonly at: FaultPoint; readonly command?: string; readonly does: string };

/** Every fault of the lab: where it strikes, on which command unless `match` says so, and what happens. */
export const faultTable = {
  'create-reply-lost': {
    at: 'reply',
    command: 'createVolume',
    does: 'The volume is made, then the connection is cut.',
  },
  'attach-reply-lost': {
    at: 'reply',
    command: 'attachVolume',
    does: 'The job is accepted, then the connection is cut.',
  },
  'detach-reply-lost': {
    at: 'reply',
    command: 'detachVolume',
    does: 'The job is accepted, then the connection is cut.',
  },
  'delete-reply-lost': {
    at: 'reply',
    command: 'deleteVolume',
    does: 'The volume is gone, then the connection is cut.',
  },
  'reply-lost': { at: 'reply', does: 'The call is carried out, then the connection is cut. Give `match.command`.' },
  'request-lost': { at: 'request', does: 'The connection is cut before anything is done.' },
  'empty-401': { at: 'request', does: 'HTTP 401 without a body.' },
  'clock-skew': { at: 'request', does: '401, and a Date header that is `value` ms ahead (an hour unless given).' },
  'empty-list': { at: 'request', command: 'listVolumes', does: 'An empty list, without count, whatever there is.' },
  'http-429': { at: 'request', does: 'The rate limit answers.' },
  'http-503': { at: 'request', does: 'A proxy says that the server is down.' },
  'garbage-reply': { at: 'request', does: 'HTTP 200 with a page of HTML.' },
  'job-expired': { at: 'request', command: 'queryAsyncJobResult', does: '431: the job is not known.' },
  'limit-535': { at: 'create', command: 'createVolume', does: 'The account has no volume left.' },
  'duplicate-name': { at: 'create', command: 'createVolume', does: 'A second volume of the same name is made.' },
  'slow-create': { at: 'job', command: 'createVolume', does: 'The job takes `value` ms longer.' },
  'slow-job': { at: 'job', does: 'The job takes `value` ms longer.' },
  'slow-creating': {
    at: 'job',
    command: 'attachVolume',
    does: 'The volume stays Creating (or Attaching) `value` ms longer.',
  },
  'attach-moves-pool': {
    at: 'job',
    command: 'attachVolume',
    does: 'The volume is first moved to the pool of the VM: Migrating for `value` ms.',
  },
  'attach-race-lost': {
    at: 'job',
    command: 'attachVolume',
    does: 'Another attach of the volume ends first: it goes to another VM, this job fails with 530.',
  },
  'target-exists': {
    at: 'job',
    command: 'attachVolume',
    does: 'The device id that was chosen is taken in the domain (ACS 6374): the job fails with 530.',
  },
  'job-fails-530': { at: 'job', does: 'The job fails without having done anything.' },
  'job-fails-431': { at: 'job', does: 'The job fails without having done anything.' },
  'job-fails-after-act': { at: 'job-done', does: 'The job does its work and then says 530.' },
  'volume-vanishes': { at: 'job-done', does: 'The job succeeds and the record of its volume is lost.' },
  'stale-detach': {
    at: 'job-done',
    command: 'attachVolume',
    does: 'A detach job of earlier clears the new attachment; the guest keeps the disk (ACS 14214).',
  },
  'vm-stops': { at: 'job-done', does: 'After the job its VM is found Stopped: the guest switched itself off.' },
  'detach-times-out': {
    at: 'device',
    command: 'detachVolume',
    does: 'The job fails after its wait; the guest lets the disk go `value` ms later (ACS 6508).',
  },
  'device-late': { at: 'device', does: 'The job succeeds; the device appears `value` ms later.' },
  'device-never': { at: 'device', does: 'The job succeeds; no device appears before the next boot.' },
  'deviceid-gap': { at: 'device', does: 'The lowest free device id is passed over.' },
  'restart-cancels-jobs': { at: 'restart', does: 'At the next start running jobs have failed with 530.' },
  'restart-drops-volumes': { at: 'restart', does: 'As before, and the records of their volumes are lost.' },
  ...vcenterFaultTable,
} as const satisfies Record<string, FaultRow>;

export type FaultName = keyof typeof faultTable;

export type FaultMatch = {
  readonly command?: string | undefined;
  readonly name?: string | undefined;
  readonly volume_id?: string | undefined;
  readonly vm_id?: string | undefined;
};

export type ArmedFault = {
  readonly fault: FaultName;
  remaining: number;
  readonly match: FaultMatch;
  readonly value: number | null;
};

export type Occasion = {
  readonly command: string;
  readonly name?: string | undefined;
  readonly volumeId?: string | null | undefined;
  readonly vmId?: string | null | undefined;
  /** How far a file is being read: a fault with a `value` waits for that byte. */
  readonly reached?: number | undefined;
};

const isFaultName = (name: unknown): name is FaultName => typeof name === 'string' && Object.hasOwn(faultTable, name);

export function armFault(body: Readonly<Record<string, unknown>>): ArmedFault {
  const { fault, count = 1, match = {}, value = null } = body;
  if (!isFaultName(fault)) throw new AppError('INVALID_REQUEST', `There is no fault ${String(fault)}.`);
  if (!Number.isSafeInteger(count)) throw new AppError('INVALID_REQUEST', 'count must be a whole number.');
  if (value !== null && typeof value !== 'number') throw new AppError('INVALID_REQUEST', 'value must be a number.');
  if (typeof match !== 'object' || match === null) throw new AppError('INVALID_REQUEST', 'match must be an object.');
  return { fault, remaining: count as number, match, value };
}

/** The first armed fault that strikes here, used up by one. `only` limits it to some faults of the point. */
export function takeFault(
  faults: ArmedFault[],
  at: FaultPoint,
  occasion: Occasion & { readonly only?: readonly FaultName[] },
): ArmedFault | null {
  const index = faults.findIndex((armed) => {
    if (faultTable[armed.fault].at !== at) return false;
    if (occasion.only !== undefined && !occasion.only.includes(armed.fault)) return false;
    return strikes(armed, occasion);
  });
  const armed = faults[index];
  if (armed === undefined) return null;
  armed.remaining -= 1;
  if (armed.remaining <= 0) faults.splice(index, 1);
  return armed;
}

function strikes({ fault, match, value }: ArmedFault, occasion: Occasion): boolean {
  if (occasion.reached !== undefined && value !== null && occasion.reached < value) return false;
  const row: FaultRow = faultTable[fault];
  const command = match.command ?? row.command;
  if (command !== undefined && command.toLowerCase() !== occasion.command.toLowerCase()) return false;
  if (match.name !== undefined && match.name !== occasion.name) return false;
  if (match.vm_id !== undefined && match.vm_id !== occasion.vmId) return false;
  return match.volume_id === undefined || match.volume_id === occasion.volumeId;
}
