import type { Log } from '../log.ts';
import { pause } from '../pause.ts';
import { nextBetween } from '../random.ts';
import type { Store } from '../store.ts';
import type { Changes } from './changes.ts';
import type { ManagedObject } from './objects/managed-object.ts';
import { vmRef } from './objects/vm.ts';
import { bool, int, type Ref, ref, struct, text, time, type Value, word, written } from './soap/value.ts';
import { localized, VimFault } from './soap/vim-fault.ts';
import { writeAny } from './soap/write.ts';
import type { Vm } from './vms.ts';

type Task = {
  readonly id: string;
  readonly number: number;
  readonly vm: Vm;
  /** As vCenter calls it, e.g. VirtualMachine.createSnapshot. */
  readonly does: string;
  readonly userName: string;
  readonly queuedAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  state: 'queued' | 'running' | 'success' | 'error';
  progress: number | null;
  result: Value | undefined;
  fault: VimFault | null;
};

export type TaskOrder = {
  readonly vm: Vm;
  readonly does: string;
  readonly userName: string;
  /** Time that it takes besides what the setting says. */
  readonly extraMs: number;
  work(): Promise<Value | undefined>;
};

export type Tasks = {
  /** The task is queued; a VM has one at a time, another one meets TaskInProgress. */
  start(order: TaskOrder): Ref;
  objects(): readonly ManagedObject[];
  of(vm: Vm): Ref[];
  close(): Promise<void>;
};

type Options = {
  readonly store: Store;
  readonly changes: Changes;
  readonly nowMs: () => number;
  readonly log: Log;
};

const KEPT = 200;

/** Tasks live as long as the process; what they did is durable before they say that they succeeded. */
export function createTasks(options: Options): Tasks {
  const { store, changes, nowMs } = options;
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  let tasks: Task[] = [];
  let lastNumber = 1000;
  return {
    start: (order) => {
      const busy = tasks.find((task) => task.vm === order.vm && task.endedAtMs === null);
      lastNumber += 1;
      const task: Task = {
        id: `task-${lastNumber}`,
        number: lastNumber,
        vm: order.vm,
        does: order.does,
        userName: order.userName,
        queuedAtMs: nowMs(),
        startedAtMs: null,
        endedAtMs: null,
        state: 'queued',
        progress: null,
        result: undefined,
        fault: null,
      };
      const ended = tasks.filter(({ endedAtMs }) => endedAtMs !== null);
      const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - KEPT)));
      tasks = [...tasks.filter((candidate) => !forgotten.has(candidate)), task];
      const work = busy === undefined ? order.work : () => Promise.reject(taskInProgress(busy));
      const done = run({ ...options, signal: stopping.signal }, task, { ...order, work }).finally(() =>
        running.delete(done),
      );
      running.add(done);
      changes.notify();
      return ref('Task', task.id);
    },
    objects: () => tasks.map(taskObject),
    of: (vm) => tasks.filter((task) => task.vm === vm && task.endedAtMs === null).map(({ id }) => ref('Task', id)),
    close: async () => {
      stopping.abort(new Error('The lab stops.'));
      await Promise.all(running);
      await store.flush();
    },
  };
}

const taskInProgress = (busy: Task): VimFault =>
  new VimFault(
    'TaskInProgress',
    'The operation is not allowed in the current state: another task is already in progress.',
    {
      task: ref('Task', busy.id),
    },
  );

async function run(options: Options & { readonly signal: AbortSignal }, task: Task, order: TaskOrder): Promise<void> {
  const { store, changes, nowMs, log, signal } = options;
  const { state } = store;
  try {
    const delayMs = nextBetween(state.random, state.settings.vc_task_ms) + order.extraMs;
    Object.assign(task, { state: 'running', startedAtMs: nowMs(), progress: 0 });
    await pause(delayMs / 2, signal);
    task.progress = 50;
    changes.notify();
    await pause(delayMs / 2, signal);
    const result = await order.work();
    await store.flush();
    Object.assign(task, { state: 'success', progress: null, result, endedAtMs: nowMs() });
  } catch (error) {
    if (signal.aborted && error === signal.reason) return;
    if (!(error instanceof VimFault))
      log('error', 'A task failed by itself', { task: task.does, error: String(error) });
    const fault =
      error instanceof VimFault
        ? error
        : new VimFault('SystemError', 'A general system error occurred', { reason: text(String(error)) });
    Object.assign(task, { state: 'error', progress: null, fault, endedAtMs: nowMs() });
  }
  changes.notify();
}

const taskObject = (task: Task): ManagedObject => ({
  ref: ref('Task', task.id),
  name: null,
  parent: null,
  properties: () => ({ info: () => infoOf(task) }),
});

const infoOf = (task: Task): Value =>
  struct('TaskInfo', {
    key: text(task.id),
    task: ref('Task', task.id),
    description: undefined,
    name: text(`${task.does.replace(/^.*\./, '')}_Task`),
    descriptionId: text(task.does),
    entity: vmRef(task.vm),
    entityName: text(task.vm.plan.name),
    state: word('TaskInfoState', task.state),
    cancelled: bool(false),
    cancelable: bool(false),
    error: task.fault === null ? undefined : localized(task.fault),
    result: task.result === undefined ? undefined : written(writeAny('result', task.result)),
    progress: task.progress === null ? undefined : int(task.progress),
    reason: struct('TaskReasonUser', { userName: text(task.userName) }),
    queueTime: time(task.queuedAtMs),
    startTime: task.startedAtMs === null ? undefined : time(task.startedAtMs),
    completeTime: task.endedAtMs === null ? undefined : time(task.endedAtMs),
    eventChainId: int(task.number),
  });
