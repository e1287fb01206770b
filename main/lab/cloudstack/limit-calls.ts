import type { SyncCall } from './call.ts';
import { listing } from './offer-calls.ts';
import { listContent } from './reply.ts';
import { ownerView } from './volume-view.ts';

/** ResourceType of CloudStack: 2 is the number of volumes. */
const VOLUMES = '2';

/** What a caller may learn of the cloud's limits. The settings themselves are for the root admin. */
export const limitCalls: Readonly<Record<string, SyncCall>> = {
  listCapabilities: {
    does: 'Says what this cloud can do.',
    accepts: {},
    answer: ({ store: { state } }) => ({
      capability: {
        cloudstackversion: '4.22.0.0',
        securitygroupsenabled: false,
        customdiskofferingminsize: state.settings.custom_size_gb[0],
        customdiskofferingmaxsize: state.settings.custom_size_gb[1],
        userpublictemplateenabled: true,
        supportELB: 'false',
        projectinviterequired: false,
        allowusercreateprojects: true,
        kvmsnapshotenabled: state.settings.kvm_snapshot_enabled,
        regionsecondaryenabled: false,
        allowuserviewdestroyedvm: false,
        allowuserexpungerecovervm: false,
      },
    }),
  },
  listResourceLimits: {
    does: 'Lists the limits of an account.',
    accepts: { resourcetype: 'integer', account: 'string', domainid: 'string' },
    answer: ({ store: { state } }, { parameters, caller }) => {
      const all = [{ ...ownerView(state, caller.id), resourcetype: VOLUMES, max: state.settings.max_volumes }];
      const items = all.filter((limit) => (parameters.get('resourcetype') ?? VOLUMES) === limit.resourcetype);
      return listContent('resourcelimit', { count: items.length, items });
    },
  },
  listConfigurations: listing('configuration', 'Lists global settings.', {
    adminOnly: true,
    items: ({ settings }) =>
      Object.entries({
        'max.account.volumes': settings.max_volumes,
        'custom.diskoffering.size.min': settings.custom_size_gb[0],
        'custom.diskoffering.size.max': settings.custom_size_gb[1],
        'storage.max.volume.size': settings.max_volume_gb,
        'kvm.snapshot.enabled': settings.kvm_snapshot_enabled,
        'wait.detach.device': settings.detach_wait_ms,
        'enforce.post.requests.and.timestamps': settings.enforce_post_and_timestamps,
      }).map(([name, value]) => ({ category: 'Advanced', name, value: String(value), isdynamic: true })),
  }),
};
