import { ApiError, invalidParameter, missingParameter, unauthorised, unknownEntity } from '../api-error.ts';
import { takeFault } from '../faults.ts';
import type { Appliance } from '../oma/appliance.ts';
import type { Store } from '../store.ts';
import { allocateVolume, namedVolume, removeVolume } from './change-volume.ts';
import type { Jobs } from './jobs.ts';
import { jobView } from './jobs.ts';
import * as lists from './list-rest.ts';
import { listVolumes } from './list-volumes.ts';
import { type Parameters, readParameters, refuseControlCharacters } from './parameters.ts';
import { failure, type Reply, success } from './reply.ts';
import { verifySignature } from './signature.ts';

export type ApiRequest = { readonly method: string; readonly query: string; readonly body: string };

/** `cut`: the connection ends without an answer. */
export type ApiOutcome = Reply | 'cut';

type Context = {
  readonly store: Store;
  readonly jobs: Jobs;
  readonly appliance: Appliance;
  readonly nowMs: () => number;
};

type Command = (context: Context, parameters: Parameters) => object | Promise<object>;

/** The calls that the lab knows, by their names in lower case. */
const commands: Readonly<Record<string, Command>> = {
  createvolume: ({ store, jobs, nowMs }, parameters) => {
    const volume = allocateVolume(store.state, parameters, nowMs());
    const job = jobs.start({ command: 'createVolume', volumeId: volume.id, vmId: null });
    return { id: volume.id, jobid: job.id };
  },
  attachvolume: ({ store, jobs }, parameters) => {
    const volume = namedVolume(store.state, parameters);
    const vmId = parameters.required('virtualmachineid');
    if (!store.state.vms.some((vm) => vm.id === vmId)) {
      throw unknownEntity(parameters.command, 'virtualmachineid', vmId);
    }
    const wantedDeviceId = parameters.whole('deviceid') ?? null;
    return { jobid: jobs.start({ command: 'attachVolume', volumeId: volume.id, vmId, wantedDeviceId }).id };
  },
  detachvolume: ({ store, jobs }, parameters) => {
    const volume =
      parameters.get('id') === undefined ? volumeByDeviceId(store, parameters) : namedVolume(store.state, parameters);
    return { jobid: jobs.start({ command: 'detachVolume', volumeId: volume.id, vmId: volume.vmId }).id };
  },
  deletevolume: async ({ store, appliance }, parameters) => {
    const volume = removeVolume(store.state, parameters);
    await store.flush();
    await appliance.discard(volume.id);
    return { success: true };
  },
  queryasyncjobresult: ({ store }, parameters) => {
    const id = parameters.required('jobid');
    const job = store.state.jobs.find((candidate) => candidate.id === id);
    const occasion = { command: 'queryAsyncJobResult', volumeId: job?.volumeId, only: ['job-expired'] } as const;
    if (job === undefined || takeFault(store.state.faults, 'request', occasion) !== null) {
      throw unknownEntity(parameters.command, 'jobid', id);
    }
    return jobView(store, job);
  },
  createtags: (context, parameters) => startTagJob(context, parameters, 'createTags'),
  deletetags: (context, parameters) => startTagJob(context, parameters, 'deleteTags'),
  listvolumes: ({ store }, parameters) => listVolumes(store.state, parameters),
  ...Object.fromEntries(
    Object.entries({
      listzones: lists.listZones,
      listdiskofferings: lists.listDiskOfferings,
      listserviceofferings: lists.listServiceOfferings,
      listtemplates: lists.listTemplates,
      listnetworks: lists.listNetworks,
      listvirtualmachines: lists.listVirtualMachines,
      listcapabilities: lists.listCapabilities,
      listtags: lists.listTags,
      listpublicipaddresses: lists.listNothing,
      listportforwardingrules: lists.listNothing,
      listipforwardingrules: lists.listNothing,
    }).map(([name, list]): [string, Command] => [name, ({ store }, parameters) => list(store.state, parameters)]),
  ),
};

function volumeByDeviceId({ state }: Store, parameters: Parameters): (typeof state.volumes)[number] {
  const vmId = parameters.get('virtualmachineid');
  const deviceId = parameters.whole('deviceid');
  if (vmId === undefined || deviceId === undefined) {
    throw invalidParameter('Please provide either a volume id, or a tuple(device id, instance id)');
  }
  const volume = state.volumes.find((own) => own.vmId === vmId && own.deviceId === deviceId && !own.removed);
  if (volume === undefined) throw invalidParameter('The specified volume is not attached to a VM.');
  return volume;
}

function startTagJob({ store, jobs }: Context, parameters: Parameters, command: 'createTags' | 'deleteTags'): object {
  const resourceIds = parameters.list('resourceids');
  if (resourceIds === undefined) throw missingParameter(parameters.command, 'resourceids');
  if (parameters.required('resourcetype').toLowerCase() !== 'volume') {
    throw invalidParameter(`Invalid resource type ${parameters.required('resourcetype')}`);
  }
  for (const id of resourceIds) {
    const known = store.state.volumes.some((volume) => volume.id === id && !volume.removed);
    if (!known) throw invalidParameter(`Unable to find resource by id ${id} and type Volume`);
  }
  const tags = { resourceIds, tags: parameters.tags() };
  return { jobid: jobs.start({ command, volumeId: null, vmId: null, tags }).id };
}

/** One call from the signature to the envelope. Nothing is answered before what it changed is on the disk. */
export async function answerApi(context: Context, request: ApiRequest): Promise<ApiOutcome> {
  const { store } = context;
  const parameters = readParameters(request.query, request.body);
  const outcome = await answer(context, parameters, request.method);
  await store.flush();
  if (outcome === 'cut' || outcome.status !== 200) return outcome;
  const occasion = { command: parameters.command, name: parameters.get('name'), volumeId: parameters.get('id') };
  const lost = takeFault(store.state.faults, 'reply', occasion);
  if (lost === null) return outcome;
  await store.flush();
  return 'cut';
}

async function answer(context: Context, parameters: Parameters, method: string): Promise<ApiOutcome> {
  const { store, nowMs } = context;
  if (parameters.get('response') !== 'json') {
    return {
      status: 406,
      headers: { 'Content-Type': 'text/plain; charset=UTF-8' },
      body: 'This server answers only response=json; CloudStack would answer with XML here.\n',
    };
  }
  const forced = forcedReply(store, parameters);
  if (forced !== null) return forced;
  const { command } = parameters;
  const run = commands[command.toLowerCase()];
  try {
    if (command === '') throw new ApiError(432, 9999, 'Invalid request, no command sent');
    refuseControlCharacters(parameters);
    verifySignature(parameters.asSent, {
      apiKey: store.state.apiKey,
      secretKey: store.state.secretKey,
      nowMs: nowMs(),
      enforcePostAndTimestamps: store.state.settings.enforce_post_and_timestamps,
      method,
    });
    if (run === undefined) throw unauthorised();
    return success(command, await run(context, parameters));
  } catch (error) {
    if (error instanceof ApiError) return failure(run === undefined ? null : command, error);
    throw error;
  }
}

const requestFaults = ['request-lost', 'empty-401', 'http-429', 'http-503', 'garbage-reply'] as const;

function forcedReply(store: Store, parameters: Parameters): ApiOutcome | null {
  const { command } = parameters;
  const occasion = { command, name: parameters.get('name'), volumeId: parameters.get('id'), only: requestFaults };
  const html = { 'Content-Type': 'text/html' };
  switch (takeFault(store.state.faults, 'request', occasion)?.fault) {
    case 'request-lost':
      return 'cut';
    case 'empty-401':
      return { status: 401, headers: {}, body: '' };
    case 'http-429': {
      const text = 'The given user has reached his/her account api limit, please retry after [40] ms.';
      return failure(command, new ApiError(429, 9999, text));
    }
    case 'http-503':
      return { status: 503, headers: html, body: '<html><body><h1>503 Service Unavailable</h1></body></html>' };
    case 'garbage-reply':
      return { status: 200, headers: html, body: '<html><body>Sign in to the guest network</body></html>' };
    case undefined:
    default:
      return null;
  }
}
