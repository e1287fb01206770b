import { join } from 'node:path';
import type { openRecords } from '../adapters/sqlite/open.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Log } from '../ports/log.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { Vault } from '../ports/vault.ts';
import { keepDemoVcenter } from './demo-vcenter.ts';
import { giveDemoVcenter, keepDemoVma } from './demo-vma.ts';
import { openVcenters } from './open-vcenters.ts';
import { openVmas } from './open-vmas.ts';
import type { Opened } from './opened.ts';
import type { Programs } from './programs.ts';
import type { OpenSite } from './site.ts';
import { superviseVma } from './vma-process.ts';

type Parts = {
  readonly dataDir: string;
  readonly programs: Programs;
  readonly demo: OpenSite['demo'];
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
} & Signalled;

export type OpenSites = {
  readonly vsphere: Awaited<ReturnType<typeof openVcenters>>;
  readonly vma: Awaited<ReturnType<typeof openVmas>>;
};

/** The vCenters and VMAs of the records, and in the demo environment the one that it brings along. */
export async function openSites(parts: Parts, opened: Opened): Promise<OpenSites> {
  const { demo, dataDir } = parts;
  if (demo.reachedBy === 'vcenter') await keepDemoVcenter(demo.vcenter(), parts);
  const vsphere = await openVcenters(parts);
  opened.push(() => vsphere.close());
  const vma = await openVmas(parts);
  opened.push(() => vma.close());
  if (demo.reachedBy !== 'vma') return { vsphere, vma };
  const supervised = await superviseVma({
    ...parts,
    dir: join(dataDir, 'vma'),
    onStarted: async (endpoint) => {
      // In this order: the first list that is asked for shall have VMs in it.
      await giveDemoVcenter(endpoint, demo.vcenter(), parts);
      await keepDemoVma(endpoint, { ...parts, vmas: vma.vmas });
    },
  });
  opened.push(() => supervised.stop());
  return { vsphere, vma };
}
