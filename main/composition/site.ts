import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { createCloudStack } from '../adapters/cloudstack/cloudstack.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cloud } from '../ports/cloud.ts';
import type { Log } from '../ports/log.ts';
import type { Site } from '../workflows/migrate-vm/parts.ts';
import { type LabFile, type LabProcess, superviseLab } from './lab-process.ts';
import type { Programs } from './programs.ts';
import { siteCloud } from './site-cloud.ts';

/** What the daemon works on: a cloud, the root of the appliance's device tree, folders with VM definitions. */
export type OpenSite = {
  readonly cloud: Cloud;
  readonly site: () => Site;
  readonly hostRoot: string;
  /** There is an appliance to own (rule D7); false before a site is set up. */
  readonly hasAppliance: boolean;
  readonly vmDirs: readonly string[];
  /** How the demo environment's vCenter is reached: as a site, by a VMA of its own, or not at all. */
  readonly demo:
    | { readonly reachedBy: 'vcenter' | 'vma'; readonly vcenter: () => LabFile['vcenter'] }
    | { readonly reachedBy: 'nobody' };
  /** What was opened for an appliance that another console owns is left as it was found. */
  close(as: { readonly owner: boolean }): Promise<void>;
};

type Options = {
  readonly dataDir: string;
  readonly programs: Programs;
  readonly clock: Clock;
  readonly log: Log;
  readonly labSource: LabSource;
};

/** Whether the VMs of the demo environment come through a VMA, out of its vCenter, or out of the image files behind it. */
export type LabSource = 'vma' | 'vcenter' | 'images';

export async function openLabSite({ dataDir, programs, clock, log, labSource }: Options): Promise<OpenSite> {
  const lab = await superviseLab({ dir: join(dataDir, 'lab'), programs, clock, log });
  const { host_root: hostRoot, vms_dir: vmsDir } = lab.current();
  const own = join(dataDir, 'vms');
  return {
    cloud: siteCloud(labCloud(lab, clock)),
    site: () => {
      const { zone_id: zoneId, disk_offering_id: diskOfferingId, oma_vm_id: omaVmId } = lab.current();
      return { zoneId, diskOfferingId, omaVmId };
    },
    hostRoot,
    hasAppliance: true,
    vmDirs: labSource === 'images' ? [vmsDir, own] : [own],
    demo:
      labSource === 'images' ? { reachedBy: 'nobody' } : { reachedBy: labSource, vcenter: () => lab.current().vcenter },
    close: ({ owner }) => (owner ? lab.stop() : lab.leave()),
  };
}

/** A real data directory before a site is set up: the VMs can be listed, nothing can be migrated. */
export function openBareSite({ dataDir }: Options): OpenSite {
  const missing = (): never => {
    throw new AppError('SITE_MISSING');
  };
  return {
    cloud: siteCloud(missing),
    site: missing,
    hostRoot: '/',
    hasAppliance: false,
    vmDirs: [join(dataDir, 'vms')],
    demo: { reachedBy: 'nobody' },
    close: () => Promise.resolve(),
  };
}

function labCloud(lab: LabProcess, clock: Clock): () => Cloud {
  let known: { readonly file: LabFile; readonly cloud: Cloud } | undefined;
  return () => {
    const file = lab.current();
    if (known?.file !== file) {
      const url = `${file.url}/client/api`;
      known = {
        file,
        cloud: createCloudStack({ url, apiKey: file.api_key, secret: () => file.secret_key, clock, fetch }),
      };
    }
    return known.cloud;
  };
}
