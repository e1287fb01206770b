import type { Signalled } from '../../../ports/signalled.ts';
import type { MoRef, TaskOptions } from '../../../ports/vcenter.ts';
import { awaitProperties } from '../inventory/updates.ts';
import type { Connection } from '../session.ts';
import { at, type Element, longOf, refAt, required, textOf } from '../soap/element.ts';
import { faultError, localizedFault, type SoapFault } from '../soap/fault.ts';
import type { Xml } from '../soap/request.ts';

type Call = { readonly method: string; readonly target: MoRef; readonly args?: readonly Xml[] };

/**
 * Starts a task and waits for its end. Answers its result, where it has one. An abort ends the waiting, not the task.
 * A session that ends meanwhile is no reason to start it again: only the waiting is repeated, in the next session.
 */
export async function runTask(
  run: <T>(work: (connection: Connection) => Promise<T>, options: Signalled) => Promise<T>,
  { method, target, args = [] }: Call,
  { signal, onProgress }: TaskOptions,
): Promise<Element | null> {
  const task = await run(
    async ({ call }) => {
      const reply = await call(method, target, { args, signal });
      return required(refAt(reply, 'returnval'), 'returnval');
    },
    { signal },
  );
  return run((connection) => endOf(connection, { method, task, onProgress, signal }), { signal });
}

type Waiting = Signalled & {
  readonly method: string;
  readonly task: MoRef;
  readonly onProgress: ((percent: number) => void) | undefined;
};

async function endOf(connection: Connection, { method, task, onProgress, signal }: Waiting): Promise<Element | null> {
  // The whole of it, so that the state never comes without the result.
  const awaited = { target: task, paths: ['info'], signal };
  const end = await awaitProperties(connection, awaited, (properties) => {
    const told = properties.get('info');
    if (told === undefined) return null;
    const progress = longOf(told, 'progress');
    if (progress !== null) onProgress?.(progress);
    const state = textOf(told, 'state');
    if (state === 'error') throw faultError(method, failureOf(told));
    return state === 'success' ? { result: at(told, 'result') } : null;
  });
  onProgress?.(100);
  return end.result;
}

function failureOf(told: Element): SoapFault {
  const error = at(told, 'error');
  return error === null ? { name: 'unknown', message: 'The task failed.', content: null } : localizedFault(error);
}
