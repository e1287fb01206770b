import { AppError, asAppError } from '../../../../shared/errors.ts';
import { type Extent, normalise } from '../../../domain/extent.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { Session } from '../session.ts';
import { at, childrenOf, type Element, longOf, required } from '../soap/element.ts';
import { faultNameOf } from '../soap/fault.ts';
import { ref, value } from '../soap/request.ts';

export type ChangeQuery = {
  readonly vm: string;
  readonly snapshot: string;
  readonly diskKey: number;
  readonly capacityBytes: number;
  readonly since: string;
  readonly until: string;
};

/** Everything that is in use, instead of what changed. */
const everything = '*';

/**
 * vCenter answers for as much of the disk as it likes; it is asked until the whole capacity is covered without a gap
 * (rule J6). An answer that could hide a change is never used: a disk that is copied in full is only slower.
 */
export async function changedAreas(session: Session, query: ChangeQuery, { signal }: Signalled): Promise<Extent[]> {
  const { since, until, capacityBytes } = query;
  if (since !== everything && trackOf(since) !== trackOf(until)) {
    throw doubt('Change tracking was reset since then, or the disk was reverted or replaced.', { since, until });
  }
  const areas: Extent[] = [];
  for (let covered = 0; covered < capacityBytes; ) {
    const answer = await ask(session, query, { startOffset: covered, signal });
    areas.push(...areasIn(answer, { from: covered, capacityBytes }));
    covered += lengthOf(answer, { from: covered, capacityBytes });
  }
  return normalise(areas);
}

/** `52 9b ... /17`: the part before the number changes with every reset. */
function trackOf(changeId: string): string {
  const parts = /^(.+)\/\d+$/.exec(changeId);
  if (parts?.[1] === undefined) throw doubt('A change id is not of the known form.', { change_id: changeId });
  return parts[1];
}

async function ask(
  { run }: Session,
  { vm, snapshot, diskKey, since }: ChangeQuery,
  { startOffset, signal }: Signalled & { readonly startOffset: number },
): Promise<Element> {
  const method = 'QueryChangedDiskAreas';
  const args = [
    ref('snapshot', { type: 'VirtualMachineSnapshot', value: snapshot }),
    value('deviceKey', diskKey),
    value('startOffset', startOffset),
    value('changeId', since),
  ];
  try {
    const target = { type: 'VirtualMachine', value: vm };
    const reply = await run(({ call }) => call(method, target, { args, signal }), { signal });
    return required(at(reply, 'returnval'), 'returnval');
  } catch (error) {
    // Faults like "startOffset", "deviceKey" or "caused by file" are known from the field and mean: it cannot be told.
    if (faultNameOf(error) === null || isOfTheSession(error)) throw error;
    const { reason = '' } = asAppError(error);
    throw doubt(reason, { disk_key: diskKey, start_offset: startOffset, fault: faultNameOf(error) }, error);
  }
}

const isOfTheSession = (error: unknown): boolean =>
  error instanceof AppError && ['VCENTER_SESSION_EXPIRED', 'VCENTER_PRIVILEGE', 'VCENTER_AUTH'].includes(error.code);

type Window = { readonly from: number; readonly capacityBytes: number };

function lengthOf(answer: Element, { from, capacityBytes }: Window): number {
  const start = longOf(answer, 'startOffset');
  const length = longOf(answer, 'length');
  if (start !== from || length === null || length <= 0 || from + length > capacityBytes) {
    throw doubt(`Asked from ${from}, vCenter told of ${String(length)} bytes from ${String(start)} on.`, {
      asked_from: from,
      start_offset: start,
      length,
      capacity: capacityBytes,
    });
  }
  return length;
}

function areasIn(answer: Element, window: Window): Extent[] {
  const end = window.from + lengthOf(answer, window);
  return childrenOf(answer, 'changedArea').map((area) => {
    const offset = required(longOf(area, 'start'), 'start');
    const length = required(longOf(area, 'length'), 'length');
    if (offset < window.from || length <= 0 || offset + length > end) {
      throw doubt(`An area of ${length} bytes at ${offset} is outside of the part that was told of.`, {
        offset,
        length,
        part: { from: window.from, end },
      });
    }
    return { offset, length };
  });
}

function doubt(reason: string, details: Readonly<Record<string, unknown>>, cause?: unknown): AppError {
  return new AppError('CHANGES_UNKNOWN', reason, details, { cause });
}
