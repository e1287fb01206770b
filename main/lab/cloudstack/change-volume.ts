import { randomUUID } from 'node:crypto';
import { ApiError, invalidParameter, missingParameter, unknownEntity } from '../api-error.ts';
import { takeFault } from '../faults.ts';
import { type LabState, type LabVolume, liveVolumes } from '../state.ts';
import type { Parameters } from './parameters.ts';
import { FIXED_OFFERING_GB } from './volume-view.ts';

const GIB = 1024 ** 3;

/** Checks and makes the record; both happen before the reply, so a refusal is synchronous (facts: create() of the command). */
export function allocateVolume(state: LabState, parameters: Parameters, nowMs: number): LabVolume {
  const zoneId = parameters.get('zoneid');
  if (zoneId === undefined) throw missingParameter(parameters.command, 'zoneid');
  if (zoneId !== state.ids.zone) throw unknownEntity(parameters.command, 'zoneid', zoneId);
  const offeringId = parameters.get('diskofferingid');
  if (offeringId === undefined) {
    throw invalidParameter('At least one of disk Offering ID or snapshot ID must be passed whilst creating volume');
  }
  const sizeGb = checkedSize(state, parameters, offeringId);
  const name = parameters.get('name') ?? `DATA-${randomUUID()}`;
  checkLimit(state, name);

  const make = (): LabVolume => ({
    id: unusedId(state),
    name,
    type: 'DATADISK',
    sizeBytes: sizeGb * GIB,
    offeringId,
    createdAtMs: nowMs,
    state: 'Allocated',
    vmId: null,
    deviceId: null,
    attachedAtMs: null,
    removed: false,
    deviceless: false,
    tags: [],
  });
  const volume = make();
  state.volumes.push(volume);
  const occasion = { command: 'createVolume', name, only: ['duplicate-name'] } as const;
  if (takeFault(state.faults, 'create', occasion) !== null) state.volumes.push(make());
  return volume;
}

/** Serials are the first 20 hex digits; the lab never makes two that are equal there. */
function unusedId(state: LabState): string {
  for (;;) {
    const id = randomUUID();
    if (!state.volumes.some((volume) => volume.id.slice(0, 24) === id.slice(0, 24))) return id;
  }
}

function checkedSize(state: LabState, parameters: Parameters, offeringId: string): number {
  const size = parameters.whole('size');
  if (offeringId === state.ids.fixedOffering) {
    if (size !== undefined) throw invalidParameter('This disk offering does not allow custom size');
    return FIXED_OFFERING_GB;
  }
  if (offeringId !== state.ids.customOffering) throw unknownEntity(parameters.command, 'diskofferingid', offeringId);
  if (size === undefined) throw invalidParameter('This disk offering requires a custom size specified');
  const [min, max] = state.settings.custom_size_gb;
  if (size < min || size > max) {
    throw invalidParameter(`Volume size: ${size} GB is out of allowed range. Min: ${min}. Max: ${max}`);
  }
  return size;
}

function checkLimit(state: LabState, name: string): void {
  const used = liveVolumes(state).length;
  const limit = state.settings.max_volumes;
  const forced = takeFault(state.faults, 'create', { command: 'createVolume', name, only: ['limit-535'] });
  if (used < limit && forced === null) return;
  throw new ApiError(
    535,
    4370,
    `Maximum amount of resources of Type = 'volume' for Account Name = admin in Domain Id = ${state.ids.domain} is exceeded: Account Resource Limit = ${limit}, Current Account Resource Amount = ${used}, Requested Resource Amount = 1.`,
  );
}

/** The UUIDs of removed volumes still resolve, as in CloudStack; those that never were do not. */
export function namedVolume(state: LabState, parameters: Parameters): LabVolume {
  const id = parameters.required('id');
  const volume = state.volumes.find((candidate) => candidate.id === id);
  if (volume === undefined) throw unknownEntity(parameters.command, 'id', id);
  return volume;
}

/** deleteVolume, synchronous. Returns the volume whose backing file is to go. */
export function removeVolume(state: LabState, parameters: Parameters): LabVolume {
  const volume = namedVolume(state, parameters);
  if (volume.removed) {
    throw invalidParameter(`Unable to find volume with ID: ${volume.id}`);
  }
  if (volume.vmId !== null) throw invalidParameter('Please specify a volume that is not attached to any VM.');
  if (volume.state === 'Creating' || volume.state === 'Attaching') {
    throw invalidParameter(`Please specify a volume in Ready or Allocated or Uploaded state; it is ${volume.state}.`);
  }
  volume.removed = true;
  volume.state = 'Expunged';
  return volume;
}
