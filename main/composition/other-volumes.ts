import type { openRecords } from '../adapters/sqlite/open.ts';
import type { OtherVolume } from '../correlation/match.ts';
import type { Cloud } from '../ports/cloud.ts';
import type { Signalled } from '../ports/signalled.ts';

type Parts = {
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly cloud: Cloud;
  readonly site: () => { readonly omaVmId: string };
  readonly hostId: string;
};

/**
 * Who else could be meant when a device is looked for: the volumes of the records with their devices, and, where a disk can
 * only be told by its appearance, those of them that CloudStack has on the appliance and no device is known of. A foreign
 * disk was there before, and does not count as a newcomer.
 */
export const otherVolumes =
  ({ records, cloud, site, hostId }: Parts) =>
  async (
    volumeId: string,
    { appearance, signal }: Signalled & { readonly appearance: boolean },
  ): Promise<readonly OtherVolume[]> => {
    const devices = new Map((await records.mappings.openOn(hostId)).map((one) => [one.volumeId, one.device]));
    const attached = appearance ? await cloud.volumesOfVm(site().omaVmId, { signal }) : [];
    const here = new Set(attached.map(({ id }) => id));
    const ids = new Set([...(await records.volumes.ids()), ...devices.keys()]);
    ids.delete(volumeId);
    return [...ids].map((id) => {
      const device = devices.get(id) ?? null;
      return { volumeId: id, device, mayAppear: device === null && here.has(id) };
    });
  };
