import { randomUUID } from 'node:crypto';
import { internalFailure, invalidParameter } from '../api-error.ts';
import type { LabSnapshot, LabState } from '../state.ts';
import { visibleTo } from './accepts.ts';
import { type Asked, type AsyncCall, type CallContext, only, type SyncCall } from './call.ts';
import { snapshotOf, volumeOf } from './named.ts';
import { page } from './parameters.ts';
import { cloudDate, listContent } from './reply.ts';
import { enter, leave } from './transition.ts';
import { ownerView } from './volume-view.ts';

export const snapshotCalls = {
  createSnapshot: {
    does: 'Freezes the bytes of a volume.',
    java: 'snapshot.CreateSnapshot',
    creates: 'snapshotId',
    accepts: { volumeid: 'volume!', name: 'string' },
    accept: ({ store: { state }, nowMs }, { parameters }) => {
      const volume = volumeOf(state, { volumeId: parameters.required('volumeid') });
      if (volume.state !== 'Ready' || volume.removed) {
        throw invalidParameter(
          `VolumeId: ${volume.id} is not in Ready state but ${volume.state}. Cannot take snapshot.`,
        );
      }
      const vm = state.vms.find((candidate) => candidate.id === volume.vmId);
      const snapshot: LabSnapshot = {
        id: randomUUID(),
        name: parameters.get('name') ?? `${vm?.name ?? 'detached'}_${volume.name}_${nowMs()}`,
        accountId: volume.accountId,
        volumeId: volume.id,
        volumeName: volume.name,
        volumeType: volume.type,
        sizeBytes: volume.sizeBytes,
        createdAtMs: nowMs(),
        state: 'Allocated',
        removed: false,
      };
      state.snapshots.push(snapshot);
      return only({ volumeId: volume.id, vmId: volume.vmId, snapshotId: snapshot.id });
    },
    begin: ({ store: { state } }, job) => {
      const volume = volumeOf(state, job);
      const vm = state.vms.find((candidate) => candidate.id === volume.vmId);
      if (vm?.state === 'Running' && !state.settings.kvm_snapshot_enabled) {
        throw internalFailure(
          'KVM Snapshot is not supported for Running VMs. It is disabled by default due to a possible volume corruption in certain cases. To enable it set global settings kvm.snapshot.enabled to True. See the documentation for more details.',
        );
      }
      if (volume.state !== 'Ready') {
        throw invalidParameter(
          `VolumeId: ${volume.id} is not in Ready state but ${volume.state}. Cannot take snapshot.`,
        );
      }
      enter(volume, 'Snapshotting', job);
      snapshotOf(state, job).state = 'Creating';
    },
    act: async ({ store: { state }, appliance }, job) => {
      const [volume, snapshot] = [volumeOf(state, job), snapshotOf(state, job)];
      await appliance.freeze(volume, snapshot.id);
      return () => {
        leave(volume, job);
        snapshot.state = 'BackedUp';
        return { snapshot: snapshotView(state, snapshot) };
      };
    },
    settle: ({ store: { state } }, job) => leave(volumeOf(state, job), job),
    failed: ({ store: { state } }, job) => {
      snapshotOf(state, job).state = 'Error';
    },
  },
  deleteSnapshot: {
    does: 'Deletes a snapshot; volumes made from it stay.',
    java: 'snapshot.DeleteSnapshot',
    accepts: { id: 'snapshot!' },
    accept: (_context, { parameters }) => only({ snapshotId: parameters.required('id') }),
    act: async ({ store: { state }, appliance }, job) => {
      const snapshot = snapshotOf(state, job);
      if (snapshot.removed) throw invalidParameter('unable to find a snapshot with id');
      await appliance.discardSnapshot(snapshot.id);
      return () => {
        Object.assign(snapshot, { removed: true, state: 'Destroyed' });
        return { success: true };
      };
    },
  },
} as const satisfies Readonly<Record<string, AsyncCall>>;

export const snapshotAnswers = {
  listSnapshots: {
    does: 'Lists snapshots.',
    accepts: {
      id: 'snapshot',
      volumeid: 'volume',
      name: 'string',
      listall: 'boolean',
      page: 'integer',
      pagesize: 'integer',
    },
    answer: ({ store: { state } }: CallContext, asked: Asked) => {
      const { parameters } = asked;
      const live = state.snapshots.filter((snapshot) => !snapshot.removed);
      const found = visibleTo(asked, live).filter(
        (snapshot) =>
          (parameters.get('id') ?? snapshot.id) === snapshot.id &&
          (parameters.get('volumeid') ?? snapshot.volumeId) === snapshot.volumeId &&
          (parameters.get('name') ?? snapshot.name) === snapshot.name,
      );
      const { count, items } = page(parameters, found);
      return listContent('snapshot', { count, items: items.map((snapshot) => snapshotView(state, snapshot)) });
    },
  },
} as const satisfies Readonly<Record<string, SyncCall>>;

const snapshotView = (state: LabState, snapshot: LabSnapshot): Record<string, unknown> => ({
  id: snapshot.id,
  ...ownerView(state, snapshot.accountId),
  snapshottype: 'MANUAL',
  intervaltype: 'MANUAL',
  volumeid: snapshot.volumeId,
  volumename: snapshot.volumeName,
  volumetype: snapshot.volumeType,
  created: cloudDate(snapshot.createdAtMs),
  name: snapshot.name,
  state: snapshot.state,
  virtualsize: snapshot.sizeBytes,
  zoneid: state.ids.zone,
  revertable: true,
  tags: [],
});
