import { unknownEntity } from '../api-error.ts';
import { type LabState, type LabVolume, liveVolumes } from '../state.ts';
import { type Parameters, page } from './parameters.ts';
import { listContent } from './reply.ts';
import { volumeView } from './volume-view.ts';

export function listVolumes(state: LabState, parameters: Parameters): object {
  const tests = [
    ...idTests(state, parameters),
    ...(['name', 'type', 'state'] as const).flatMap((field) => {
      const wanted = parameters.get(field);
      return wanted === undefined ? [] : [(volume: LabVolume) => volume[field] === wanted];
    }),
  ];
  const keyword = parameters.get('keyword')?.toLowerCase();
  if (keyword !== undefined) tests.push((volume) => volume.name.toLowerCase().includes(keyword));
  for (const tag of parameters.tags()) {
    tests.push((volume) => volume.tags.some((own) => own.key === tag.key && own.value === tag.value));
  }
  const found = liveVolumes(state).filter((volume) => tests.every((test) => test(volume)));
  if (parameters.get('retrieveonlyresourcecount') === 'true') return found.length === 0 ? {} : { count: found.length };
  const { count, items } = page(parameters, found);
  return listContent('volume', { count, items: items.map((volume) => volumeView(state, volume)) });
}

/** A UUID that never existed is refused before anything is searched; that of a removed volume finds nothing. */
function idTests(state: LabState, parameters: Parameters): ((volume: LabVolume) => boolean)[] {
  const tests: ((volume: LabVolume) => boolean)[] = [];
  const volumeIds = [...(parameters.list('ids') ?? []), ...(parameters.list('id') ?? [])];
  const name = parameters.get('ids') === undefined ? 'id' : 'ids';
  for (const id of volumeIds) {
    if (!state.volumes.some((volume) => volume.id === id)) throw unknownEntity(parameters.command, name, id);
  }
  if (volumeIds.length > 0) tests.push((volume) => volumeIds.includes(volume.id));

  const vmId = parameters.get('virtualmachineid');
  if (vmId !== undefined) {
    if (!state.vms.some((vm) => vm.id === vmId)) throw unknownEntity(parameters.command, 'virtualmachineid', vmId);
    tests.push((volume) => volume.vmId === vmId);
  }
  const zoneId = parameters.get('zoneid');
  if (zoneId !== undefined && zoneId !== state.ids.zone) throw unknownEntity(parameters.command, 'zoneid', zoneId);
  const offeringId = parameters.get('diskofferingid');
  if (offeringId !== undefined) {
    if (offeringId !== state.ids.customOffering && offeringId !== state.ids.fixedOffering) {
      throw unknownEntity(parameters.command, 'diskofferingid', offeringId);
    }
    tests.push((volume) => volume.offeringId === offeringId);
  }
  return tests;
}
