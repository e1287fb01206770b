import { randomBytes, randomUUID } from 'node:crypto';
import { defaultSettings } from './settings.ts';
import { bareVm, bareVolume, type LabState, type LabVm, type LabVolume, newAccount } from './state.ts';
import { initialVcenter } from './vcenter/vm-state.ts';

type Second = Omit<LabState, 'format' | 'vcenter'> & { readonly format: 2 };

type First = Omit<Second, 'format' | 'accounts' | 'ids' | 'vms' | 'volumes' | 'host'> & {
  readonly format: 1;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly ids: Omit<LabState['ids'], 'osType'> & { readonly account: string; readonly user: string };
  readonly vms: readonly Pick<LabVm, 'id' | 'name' | 'createdAtMs' | 'state'>[];
  readonly volumes: readonly Omit<LabVolume, keyof typeof bareVolume | 'accountId'>[];
  readonly host: Omit<LabState['host'], 'orphans'>;
};

/** A lab of the first format goes on with its disks, names and keys. Its jobs count as expired. */
export function fromFirstFormat(text: string): Second {
  const { apiKey, secretKey, ids: firstIds, ...old } = JSON.parse(text) as First;
  const { account, user, ...ids } = firstIds;
  const admin = { ...newAccount('admin', 'admin'), id: account, userId: user, apiKey, secretKey };
  return {
    ...old,
    format: 2,
    accounts: [admin, newAccount('migration', 'user'), newAccount('stranger', 'user')],
    ids: { ...ids, osType: randomUUID() },
    settings: { ...defaultSettings(), ...old.settings },
    adversary: { random: { value: randomBytes(4).readUInt32LE(0) }, exchanges: 0 },
    vms: old.vms.map((vm, index) => ({
      ...bareVm,
      ...vm,
      number: index + 3,
      displayName: vm.name,
      accountId: account,
      templateId: ids.template,
      networkIds: [ids.network],
      tags: [],
    })),
    volumes: old.volumes.map((volume) => ({ ...bareVolume, ...volume, ...settled(volume.state), accountId: account })),
    snapshots: [],
    jobs: [],
    sentinels: [],
    host: { ...old.host, orphans: [] },
  };
}

/** A lab of the second format goes on, and has a vCenter besides. */
export const fromSecondFormat = (old: Second): LabState => ({
  ...old,
  format: 3,
  settings: { ...defaultSettings(), ...old.settings },
  vcenter: initialVcenter(),
});

const settled = (state: LabVolume['state']): Pick<LabVolume, 'state'> => {
  if (state === 'Creating') return { state: 'Allocated' };
  return { state: state === 'Attaching' ? 'Ready' : state };
};
