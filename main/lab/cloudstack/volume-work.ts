import { internalFailure } from '../api-error.ts';
import type { Appliance } from '../oma/appliance.ts';
import type { LabJob, LabState, LabVolume } from '../state.ts';
import type { Store } from '../store.ts';
import { checkAttach, checkDetach, chooseDeviceId } from './attach.ts';
import type { JobWork } from './jobs.ts';
import { volumeResult } from './jobs.ts';

type Work = { readonly store: Store; readonly appliance: Appliance; readonly nowMs: () => number };

/** What each asynchronous command does once its turn in the queue has come. */
export function createVolumeWork({ store, appliance, nowMs }: Work): JobWork {
  const { state } = store;
  const volumeOf = (job: LabJob): LabVolume => {
    const volume = state.volumes.find((candidate) => candidate.id === job.volumeId);
    if (volume === undefined) throw internalFailure('The volume of the job is not known');
    return volume;
  };
  const checked = (job: LabJob): ReturnType<typeof checkAttach> =>
    checkAttach(
      state,
      volumeOf(job),
      state.vms.find((vm) => vm.id === job.vmId),
    );

  /** Which job put a volume into a state of transition: only that one may take it out again. */
  const moving = new Map<string, string>();
  const settleOwn = (volume: LabVolume, job: LabJob): void => {
    if ((moving.get(volume.id) ?? job.id) !== job.id) return;
    moving.delete(volume.id);
    settle(volume);
  };

  const attach = async (job: LabJob): Promise<() => void> => {
    const volume = volumeOf(job);
    // The rules look at what the volume was before this job.
    settleOwn(volume, job);
    const vm = checked(job);
    const deviceId = chooseDeviceId(state, vm, job);
    if (vm.id === state.ids.omaVm) await appliance.plug(volume);
    return () => Object.assign(volume, { state: 'Ready', vmId: vm.id, deviceId, attachedAtMs: nowMs() });
  };

  const detach = async (job: LabJob): Promise<() => void> => {
    const volume = volumeOf(job);
    checkDetach(volume);
    if (volume.vmId === state.ids.omaVm && (await appliance.unplug(volume.id)) === 'held') {
      throw internalFailure(
        `Could not detach volume after sending the command and waiting for [${state.settings.detach_wait_ms}] milliseconds. Device virtio-disk${String(volume.deviceId)} is already in the process of unplug`,
      );
    }
    return () => Object.assign(volume, { vmId: null, deviceId: null, attachedAtMs: null, deviceless: false });
  };

  return {
    begin: (job) => {
      if (job.command !== 'attachVolume') return;
      checked(job);
      const volume = volumeOf(job);
      volume.state = volume.state === 'Allocated' ? 'Creating' : 'Attaching';
      moving.set(volume.id, job.id);
    },
    act: async (job) => {
      if (job.command === 'createTags' || job.command === 'deleteTags') {
        return () => {
          changeTags(state, job);
          return { success: true };
        };
      }
      const acts = { createVolume: () => Promise.resolve(() => undefined), attachVolume: attach, detachVolume: detach };
      const record = await acts[job.command](job);
      return () => {
        record();
        return volumeResult(store, job.volumeId);
      };
    },
    giveUp: (job) => {
      const volume = state.volumes.find((candidate) => candidate.id === job.volumeId);
      if (volume !== undefined && job.command === 'attachVolume') settleOwn(volume, job);
    },
  };
}

/** Creating falls back to Allocated, Attaching to Ready. */
function settle(volume: LabVolume): void {
  if (volume.state === 'Creating') volume.state = 'Allocated';
  if (volume.state === 'Attaching') volume.state = 'Ready';
}

function changeTags(state: LabState, job: LabJob): void {
  for (const id of job.tags?.resourceIds ?? []) {
    const volume = state.volumes.find((candidate) => candidate.id === id);
    if (volume === undefined) continue;
    const wanted = job.tags?.tags ?? [];
    volume.tags = volume.tags.filter((own) => !wanted.some((tag) => tag.key === own.key));
    if (job.command === 'createTags') volume.tags.push(...wanted);
  }
}
