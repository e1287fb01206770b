import { AppError } from '../../shared/errors.ts';
import { createVmaClient, type VmaClient } from '../adapters/vma/client.ts';
import { vmaSteps } from '../adapters/vma/connection-steps.ts';
import { followVma, type VmaInventory } from '../adapters/vma/inventory.ts';
import { type ClientOf, vmaSnapshots, vmaSources } from '../adapters/vma/source.ts';
import { sourceVmOf } from '../adapters/vma/source-vm.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Vmas } from '../ports/sites.ts';
import type { SourceSnapshots } from '../ports/source-snapshots.ts';
import type { Sources } from '../ports/sources.ts';

type Parts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly token: (siteId: string) => Promise<string>;
  readonly onChange: (siteId: string) => void;
};

type OpenVma = { readonly client: VmaClient; readonly inventory: VmaInventory };

/** The VMAs of the sites, as what usecases manage, and as a source of VMs. */
export function createVmas({ clock, log, token, onChange }: Parts): {
  readonly vmas: Vmas;
  readonly clientOf: ClientOf;
  readonly source: Sources;
  readonly snapshots: SourceSnapshots;
  /** Whether the site is a VMA. */
  readonly reaches: (siteId: string) => boolean;
  close(): Promise<void>;
} {
  const opened = new Map<string, OpenVma>();
  const base = { clock, fetch } as const;
  const of = (siteId: string): OpenVma => {
    const found = opened.get(siteId);
    if (found === undefined) throw new AppError('NOT_FOUND', `There is no site ${siteId}.`, { site_id: siteId });
    return found;
  };
  // Bound at every call: a site that is opened anew meanwhile may be reached otherwise.
  const clientOf: ClientOf = (siteId) => ({
    call: (name, input, options) => of(siteId).client.call(name, input, options),
  });
  const close = async (siteId: string): Promise<void> => {
    const found = opened.get(siteId);
    opened.delete(siteId);
    await found?.inventory.close();
  };
  return {
    vmas: {
      verify: async (access, options) => {
        await createVmaClient({ ...base, ...access }).call('getVmaHealth', {}, options);
      },
      steps: (access, options) => vmaSteps({ ...base, ...access }, options),
      open: async ({ id, url }) => {
        await close(id);
        const client = createVmaClient({ ...base, url, token: askedOnce(() => token(id)) });
        const inventory = followVma({
          client,
          clock,
          log,
          onChange: () => {
            onChange(id);
          },
        });
        opened.set(id, { client, inventory });
      },
      close,
      state: (siteId) => {
        const { inventory } = of(siteId);
        return { ...inventory.state(), vmCount: inventory.vms().length };
      },
      details: (siteId, vmId) =>
        opened
          .get(siteId)
          ?.inventory.vms()
          .find((vm) => vm.vm_id === vmId)?.vsphere ?? null,
    },
    clientOf,
    source: vmaSources(clientOf, async (options) => {
      const sites = [...opened];
      await Promise.all(sites.map(([, { inventory }]) => inventory.refreshed(options)));
      return sites.flatMap(([siteId, { inventory }]) => inventory.vms().map((vm) => sourceVmOf(siteId, vm)));
    }),
    snapshots: vmaSnapshots(clientOf),
    reaches: (siteId) => opened.has(siteId),
    close: async () => {
      await Promise.all([...opened.keys()].map(close));
    },
  };
}

/** It goes with every request, and is one until the site is opened anew. */
function askedOnce(ask: () => Promise<string>): () => Promise<string> {
  let known: string | null = null;
  return async () => {
    known ??= await ask();
    return known;
  };
}
