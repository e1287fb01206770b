import type { CallInput, Reply } from '../contract/calls.ts';
import type { FeedMessage } from '../contract/events.ts';
import type { Operation } from '../contract/operations.ts';
import { AppError, fromErrorBody } from '../errors.ts';
import type { Client } from './client.ts';

type Options = { readonly signal: AbortSignal };
/** The same key for the same request, also when it is sent again after a lost reply. */
type Once = Options & { readonly idempotencyKey?: string };
type Body<N extends 'createVolume' | 'cleanUpTestFailover'> = NonNullable<CallInput<N>['body']>;

/** The verbs of the Volume Daemon, as its callers think of them. */
export type VolumeClient = {
  createVolume(request: Body<'createVolume'>, options: Once): Promise<Operation>;
  attachVolume(volumeId: string, vmId: string, options: Once): Promise<Operation>;
  attachRootVolume(volumeId: string, vmId: string, options: Once): Promise<Operation>;
  detachVolume(volumeId: string, options: Once): Promise<Operation>;
  deleteVolume(volumeId: string, options: Once & { readonly confirm?: string }): Promise<Operation>;
  cleanUpTestFailover(request: Body<'cleanUpTestFailover'>, options: Once): Promise<Operation>;
  forceSync(options: Once): Promise<Operation>;
  volume(volumeId: string, options: Options): Promise<Reply<'getVolume'>>;
  /** MAPPING_NOT_FOUND where no device is proved. */
  device(volumeId: string, options: Options): Promise<Reply<'getVolumeDevice'>>;
  volumeOfDevice(path: string, options: Options): Promise<Reply<'getDeviceVolume'>>;
  volumesOfVm(vmId: string, options: Options): Promise<Reply<'listVmVolumes'>['volumes']>;
  operation(operationId: string, options: Options): Promise<Operation>;
  /**
   * The completed operation. Rejects with its own error when it failed, and with WAIT_TIMEOUT when the time is over:
   * that ends the wait, not the operation (rule J2).
   */
  waitForCompletion(operationId: string, options: Options & { readonly timeoutMs?: number }): Promise<Operation>;
};

/** As the workflow document says: two minutes. */
export const usualWaitMs = 120_000;

type Timer = { readonly after: (ms: number, run: () => void) => () => void };

export function createVolumeClient(client: Client, { after }: Timer): VolumeClient {
  return {
    createVolume: (body, options) => client.call('createVolume', { body }, options),
    attachVolume: (id, vmId, options) =>
      client.call('attachVolume', { params: { id }, body: { vm_id: vmId } }, options),
    attachRootVolume: (id, vmId, options) =>
      client.call('attachRootVolume', { params: { id }, body: { vm_id: vmId } }, options),
    detachVolume: (id, options) => client.call('detachVolume', { params: { id } }, options),
    deleteVolume: (id, { confirm, ...options }) =>
      client.call('deleteVolume', { params: { id }, query: confirm === undefined ? {} : { confirm } }, options),
    cleanUpTestFailover: (body, options) => client.call('cleanUpTestFailover', { body }, options),
    forceSync: (options) => client.call('forceSync', {}, options),
    volume: (id, options) => client.call('getVolume', { params: { id } }, options),
    device: (id, options) => client.call('getVolumeDevice', { params: { id } }, options),
    volumeOfDevice: (path, options) => client.call('getDeviceVolume', { params: { path } }, options),
    volumesOfVm: async (id, options) => (await client.call('listVmVolumes', { params: { id } }, options)).volumes,
    operation: (id, options) => client.call('getOperation', { params: { id } }, options),
    waitForCompletion: async (id, { signal, timeoutMs = usualWaitMs }) => {
      const operation = await untilEnded(client, { id, timeoutMs, after, signal });
      if (operation.status === 'completed') return operation;
      if (operation.error !== null) throw fromErrorBody(operation.error);
      throw new AppError('CANCELLED', `Operation ${id} is ${operation.status}.`);
    },
  };
}

type Wait = Timer & Options & { readonly id: string; readonly timeoutMs: number };

const hasEnded = ({ status }: Operation): boolean => status !== 'pending' && status !== 'executing';

/** Follows the feed, so that the end is known when it happens. */
async function untilEnded(client: Client, { id, timeoutMs, after, signal }: Wait): Promise<Operation> {
  const stop = new AbortController();
  const forward = (): void => {
    stop.abort(signal.reason);
  };
  signal.addEventListener('abort', forward, { once: true });
  const wait = { isOver: false };
  const cancel = after(timeoutMs, () => {
    wait.isOver = true;
    stop.abort();
  });
  let latest: Operation | undefined;
  const look = (operation: Operation): void => {
    latest = operation;
    if (hasEnded(operation)) stop.abort();
  };
  try {
    const { newest_seq: newest } = await client.call('listEvents', { query: { limit: 1 } }, { signal });
    look(await client.call('getOperation', { params: { id } }, { signal }));
    const deliver = (message: FeedMessage): void => {
      if (message.kind !== 'event' || message.event.body.type !== 'operation.changed') return;
      if (message.event.body.operation.id === id) look(message.event.body.operation);
    };
    if (!stop.signal.aborted) await client.feed(newest, deliver, { signal: stop.signal });
  } finally {
    cancel();
    signal.removeEventListener('abort', forward);
  }
  signal.throwIfAborted();
  if (latest !== undefined && hasEnded(latest)) return latest;
  const why = latest?.reason ?? latest?.status ?? 'unknown';
  const text = wait.isOver
    ? `Operation ${id} is not finished after ${String(timeoutMs)} ms: ${why}`
    : `The feed of ${id} ended.`;
  throw new AppError('WAIT_TIMEOUT', text, { operation_id: id });
}
