import { type LabVolume, liveVolumes } from '../state.ts';
import { type Accepts, visibleTo } from './accepts.ts';
import type { Asked, CallContext } from './call.ts';
import { page } from './parameters.ts';
import { listContent } from './reply.ts';
import { volumeView } from './volume-view.ts';

export const volumeFilters = {
  id: 'volume',
  ids: 'volume[]',
  name: 'string',
  type: 'string',
  state: 'string',
  keyword: 'string',
  virtualmachineid: 'virtualmachine',
  zoneid: 'zone',
  diskofferingid: 'diskoffering',
  account: 'string',
  domainid: 'string',
  tags: 'map',
  listall: 'boolean',
  isrecursive: 'boolean',
  retrieveonlyresourcecount: 'boolean',
  page: 'integer',
  pagesize: 'integer',
} as const satisfies Accepts;

export function listVolumes({ store: { state } }: CallContext, asked: Asked): object {
  const { parameters, caller } = asked;
  const tests: ((volume: LabVolume) => boolean)[] = [];
  const equal = (name: string, field: (volume: LabVolume) => unknown): void => {
    const wanted = parameters.get(name);
    if (wanted !== undefined) tests.push((volume) => field(volume) === wanted);
  };
  equal('id', (volume) => volume.id);
  equal('name', (volume) => volume.name);
  equal('type', (volume) => volume.type);
  equal('state', (volume) => volume.state);
  equal('virtualmachineid', (volume) => volume.vmId);
  equal('diskofferingid', (volume) => volume.offeringId);
  equal('account', (volume) => state.accounts.find((account) => account.id === volume.accountId)?.name);
  const ids = parameters.list('ids');
  if (ids !== undefined) tests.push((volume) => ids.includes(volume.id));
  const keyword = parameters.get('keyword')?.toLowerCase();
  if (keyword !== undefined) tests.push((volume) => volume.name.toLowerCase().includes(keyword));
  for (const tag of parameters.tags()) {
    tests.push((volume) => volume.tags.some((own) => own.key === tag.key && own.value === tag.value));
  }
  const found = visibleTo(asked, liveVolumes(state)).filter((volume) => tests.every((test) => test(volume)));
  if (parameters.flag('retrieveonlyresourcecount') === true) return found.length === 0 ? {} : { count: found.length };
  const { count, items } = page(parameters, found);
  return listContent('volume', { count, items: items.map((volume) => volumeView(state, volume, caller)) });
}
