import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLab } from '../../../main/lab/lab.ts';
import type { VcenterSite } from '../../../main/ports/vcenter.ts';
import { controlLab, readLabFile } from '../../fixtures/cloud-of-lab.ts';
import { startVcsim, type VcenterAccess } from '../../fixtures/vcsim.ts';

/** A vCenter that each story is told to. */
export type VcenterUnderTest = {
  readonly name: string;
  start(options?: { readonly vms?: number; readonly pageSize?: number }): Promise<RunningVcenter>;
};

export type RunningVcenter = VcenterAccess & {
  /** Everybody's, at once. */
  endSessions(): Promise<void>;
  stop(): Promise<void>;
};

export type LabVcenter = RunningVcenter & {
  /** The lab's own control, from outside of the protocol. */
  control(call: Parameters<typeof controlLab>[1], body?: object): Promise<Record<string, unknown>>;
};

const vcsim: VcenterUnderTest = { name: 'vcsim', start: startVcsim };

/** It has the VMs it has: more of them cannot be wished for. */
export async function startLabVcenter({ pageSize = 0 }: { readonly pageSize?: number } = {}): Promise<LabVcenter> {
  const dir = mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  const lab = await startLab({ dir, port: 0, log: () => undefined });
  const file = readLabFile(dir);
  const { url, username, password, certificate_sha256: certificateSha256 } = file.vcenter;
  const control: LabVcenter['control'] = (call, body) => controlLab(file, call, body);
  await control('POST settings', { vc_max_objects: pageSize, vc_task_ms: [0, 20] });
  return {
    ...{ url, username, password, certificateSha256, control },
    endSessions: async () => {
      await control('POST vcenter/expire-sessions');
    },
    stop: async () => {
      await lab.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export const vcenters: readonly VcenterUnderTest[] = [vcsim, { name: 'the lab', start: startLabVcenter }];

export const siteOf = ({ url, username, password, certificateSha256 }: VcenterAccess): VcenterSite => ({
  ...{ url, username, certificateSha256 },
  password: () => Promise.resolve(password),
});
