import { randomUUID } from 'node:crypto';
import { invalidParameter } from '../api-error.ts';
import { takeFault } from '../faults.ts';
import { bareVolume, type LabState, type LabVolume, newVolumeId } from '../state.ts';
import { type Asked, type AsyncCall, type CallContext, only, type SyncCall } from './call.ts';
import { checkVolumeLimit, ownerFor } from './limits.ts';
import { listVolumes, volumeFilters } from './list-volumes.ts';
import { namedVolume, snapshotOf, volumeOf } from './named.ts';
import { parametersOf } from './parameters.ts';
import { enter, leave } from './transition.ts';
import { newSizeGb } from './volume-size.ts';
import { volumeResult, volumeView } from './volume-view.ts';

const GIB = 1024 ** 3;

export const volumeCalls = {
  createVolume: {
    does: 'Makes a data disk of an offering, or from a snapshot.',
    java: 'volume.CreateVolume',
    creates: 'volumeId',
    accepts: {
      zoneid: 'zone!',
      name: 'string',
      diskofferingid: 'diskoffering',
      snapshotid: 'snapshot',
      size: 'integer',
      account: 'string',
      domainid: 'string',
    },
    accept: ({ store: { state }, nowMs }, asked) => {
      const volume = allocateVolume(state, asked, nowMs());
      return only({ volumeId: volume.id });
    },
    begin: ({ store: { state } }, job) => {
      const volume = volumeOf(state, job);
      if (volume.snapshotId !== null) enter(volume, 'Creating', job);
    },
    act: async ({ store: { state }, appliance }, job) => {
      const volume = volumeOf(state, job);
      if (volume.snapshotId !== null) await appliance.restore(volume.snapshotId, volume);
      return () => {
        if (volume.snapshotId !== null) Object.assign(volume, { state: 'Ready', transition: null });
        return volumeResult(state, volume, job.accountId);
      };
    },
    settle: ({ store: { state } }, job) => leave(volumeOf(state, job), job),
  },
  resizeVolume: {
    does: 'Makes a volume larger; smaller only with shrinkok.',
    java: 'volume.ResizeVolume',
    accepts: { id: 'volume!', size: 'integer', shrinkok: 'boolean' },
    accept: ({ store: { state } }, { parameters }) => {
      const volume = namedVolume(state, parameters);
      newSizeGb(state, volume, parameters);
      return only({ volumeId: volume.id, vmId: volume.vmId });
    },
    begin: ({ store: { state } }, job) => {
      const volume = volumeOf(state, job);
      if (volume.state === 'Ready') enter(volume, 'Resizing', job);
    },
    act: async ({ store: { state }, appliance }, job) => {
      const volume = volumeOf(state, job);
      const sizeBytes = newSizeGb(state, volume, parametersOf(new Map(Object.entries(job.sent)))) * GIB;
      if (volume.state !== 'Allocated') await appliance.resize(volume, sizeBytes);
      return () => {
        volume.sizeBytes = sizeBytes;
        leave(volume, job);
        return volumeResult(state, volume, job.accountId);
      };
    },
    settle: ({ store: { state } }, job) => leave(volumeOf(state, job), job),
  },
  destroyVolume: {
    does: 'Destroys a detached volume; without expunge it can be recovered.',
    java: 'volume.DestroyVolume',
    accepts: { id: 'volume!', expunge: 'boolean' },
    accept: ({ store: { state } }, { parameters }) => only({ volumeId: namedVolume(state, parameters).id }),
    act: async ({ store: { state }, appliance }, job) => {
      const volume = volumeOf(state, job);
      checkDetached(state, volume);
      const isExpunged = parametersOf(new Map(Object.entries(job.sent))).flag('expunge') === true;
      if (isExpunged) await appliance.discard(volume.id);
      return () => {
        if (isExpunged) expunge(volume);
        else volume.state = 'Destroy';
        return volumeResult(state, volume, job.accountId);
      };
    },
  },
} as const satisfies Readonly<Record<string, AsyncCall>>;

export const volumeAnswers = {
  deleteVolume: {
    does: 'Destroys a detached volume at once.',
    accepts: { id: 'volume!' },
    answer: async ({ store, appliance }: CallContext, { parameters }: Asked) => {
      const volume = namedVolume(store.state, parameters);
      checkDetached(store.state, volume);
      expunge(volume);
      await store.flush();
      await appliance.discard(volume.id);
      return { success: true };
    },
  },
  recoverVolume: {
    does: 'Takes back a destroyVolume.',
    accepts: { id: 'volume!' },
    answer: ({ store: { state } }: CallContext, { parameters, caller }: Asked) => {
      const volume = namedVolume(state, parameters);
      if (volume.removed || volume.state !== 'Destroy') {
        throw invalidParameter('Please specify a volume in Destroy state.');
      }
      volume.state = 'Ready';
      return { volume: volumeView(state, volume, caller) };
    },
  },
  listVolumes: { does: 'Lists volumes.', accepts: volumeFilters, answer: listVolumes },
} as const satisfies Readonly<Record<string, SyncCall>>;

/** Checks and makes the record; both happen before the reply, so a refusal is synchronous (create() of the command). */
function allocateVolume(state: LabState, { parameters, caller }: Asked, nowMs: number): LabVolume {
  const snapshotId = parameters.get('snapshotid') ?? null;
  const offeringId = parameters.get('diskofferingid') ?? null;
  if (offeringId === null && snapshotId === null) {
    throw invalidParameter('At least one of disk Offering ID or snapshot ID must be passed whilst creating volume');
  }
  const snapshot = snapshotId === null ? null : snapshotOf(state, { snapshotId });
  if (snapshot !== null && (snapshot.removed || snapshot.state !== 'BackedUp')) {
    throw invalidParameter(
      `Snapshot id=${snapshot.id} is not in BackedUp state yet and can't be used for volume creation`,
    );
  }
  const sizeBytes =
    snapshot === null ? newSizeGb(state, { offeringId, sizeBytes: 0 }, parameters) * GIB : snapshot.sizeBytes;
  const name = parameters.get('name') ?? `DATA-${randomUUID()}`;
  const owner = ownerFor(state, { parameters, caller });
  checkVolumeLimit(state, owner, name);
  const make = (): LabVolume => ({
    ...bareVolume,
    id: newVolumeId(state),
    name,
    accountId: owner.id,
    type: 'DATADISK',
    sizeBytes,
    offeringId: offeringId ?? state.ids.customOffering,
    snapshotId,
    createdAtMs: nowMs,
    state: 'Allocated',
    tags: [],
  });
  const volume = make();
  state.volumes.push(volume);
  const occasion = { command: 'createVolume', name, only: ['duplicate-name'] } as const;
  if (takeFault(state.faults, 'create', occasion) !== null) state.volumes.push(make());
  return volume;
}

function checkDetached(state: LabState, volume: LabVolume): void {
  if (volume.removed) throw invalidParameter(`Unable to find volume with ID: ${volume.id}`);
  if (volume.vmId !== null) throw invalidParameter('Please specify a volume that is not attached to any VM.');
  const isFrozen = state.jobs.some(
    (job) => job.command === 'createSnapshot' && job.volumeId === volume.id && job.status === 0,
  );
  if (isFrozen) {
    throw invalidParameter('There are snapshot operations in progress on the volume, unable to delete it');
  }
  if (volume.transition !== null) {
    throw invalidParameter(`Please specify a volume in Ready or Allocated or Uploaded state; it is ${volume.state}.`);
  }
}

export function expunge(volume: LabVolume): void {
  volume.removed = true;
  volume.state = 'Expunged';
}
