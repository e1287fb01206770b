import { AppError } from '../../shared/errors.ts';
import { certificateChange, readCertificate } from '../adapters/vsphere/certificate.ts';
import { connectionSteps } from '../adapters/vsphere/connection-steps.ts';
import { coldCopy } from '../adapters/vsphere/source/cold-copy.ts';
import { frozenBytes } from '../adapters/vsphere/source/frozen-bytes.ts';
import { followInventory, type LiveInventory } from '../adapters/vsphere/source/live-inventory.ts';
import { createSourceSnapshots } from '../adapters/vsphere/source/snapshots.ts';
import { sourceVmOf, vmIdOf } from '../adapters/vsphere/source/source-vm.ts';
import { createVcenter } from '../adapters/vsphere/vcenter.ts';
import { type CopyFacts, copyMethod } from '../domain/choose-copy-method.ts';
import type { CopyMethod } from '../domain/copy-method.ts';
import type { DatastoreFile, SourceImage } from '../domain/vm.ts';
import { allSnapshots, type VmSpec } from '../domain/vm-spec.ts';
import type { Clock } from '../ports/clock.ts';
import type { DatastoreAccess } from '../ports/datastore-access.ts';
import type { Log } from '../ports/log.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { VcenterRow, Vcenters } from '../ports/sites.ts';
import type { SnapshotLedger } from '../ports/snapshot-ledger.ts';
import type { SourceSnapshots } from '../ports/source-snapshots.ts';
import type { Sources } from '../ports/sources.ts';
import type { Vcenter } from '../ports/vcenter.ts';

type OpenVcenter = {
  readonly vcenter: Vcenter;
  readonly inventory: LiveInventory;
  readonly cold: ReturnType<typeof coldCopy>;
  readonly frozen: ReturnType<typeof frozenBytes>;
};

type Parts = {
  readonly clock: Clock;
  readonly log: Log;
  /** Asked at every sign-in. */
  readonly password: (siteId: string) => Promise<string>;
  readonly onChange: (siteId: string) => void;
  readonly ledgerOf: (siteId: string) => SnapshotLedger;
};

/** The vCenters of the sites, as what usecases manage, as a source of VMs, and as datastores to read from. */
export function createVcenters(parts: Parts): {
  readonly vcenters: Vcenters;
  readonly source: Sources;
  readonly snapshots: SourceSnapshots;
  readonly datastores: DatastoreAccess;
  close(): Promise<void>;
} {
  const { clock, log, ledgerOf } = parts;
  const opened: Opened = new Map();
  const of = (siteId: string): OpenVcenter => {
    const found = opened.get(siteId);
    if (found === undefined) throw new AppError('NOT_FOUND', `There is no site ${siteId}.`, { site_id: siteId });
    return found;
  };
  const close = async (siteId: string): Promise<void> => {
    const found = opened.get(siteId);
    opened.delete(siteId);
    await found?.inventory.close();
    await found?.vcenter.close();
  };
  return {
    vcenters: {
      certificate: (url, options) => readCertificate(url, { clock, ...options }),
      verify: async (site, options) => {
        const vcenter = createVcenter({ ...site, clock, log });
        try {
          // What a vCenter says of itself it says to everybody; only this needs the user and the password.
          await vcenter.sessionCookie(options);
        } finally {
          await vcenter.close();
        }
      },
      steps: (site, options) => connectionSteps({ ...site, clock, log }, options),
      open: async (row) => {
        await close(row.id);
        opened.set(row.id, openOne(parts, row));
      },
      close,
      vcenter: (siteId) => of(siteId).vcenter,
      state: (siteId) => {
        const { inventory } = of(siteId);
        return { ...inventory.state(), vmCount: inventory.vms().length };
      },
      spec: (siteId, vmId) => {
        const specs = opened.get(siteId)?.inventory.vms() ?? [];
        return specs.find((spec) => vmIdOf(siteId, spec) === vmId) ?? null;
      },
    },
    source: sourceOf(opened, of),
    snapshots: createSourceSnapshots((siteId) => {
      const { vcenter, inventory } = of(siteId);
      return {
        siteId,
        vcenter,
        ledger: ledgerOf(siteId),
        specOf: (vmId, options) => findVm(inventory, { siteId, vmId }, options),
        method: (spec, options) => methodOf(vcenter, spec, options),
      };
    }),
    datastores: {
      locate: (disk, options) => {
        const { cold, frozen } = of(disk.siteId);
        return disk.format === 'snapshot' ? frozen.locate(disk, options) : cold.locate(disk, options);
      },
    },
    close: async () => {
      await Promise.all([...opened.keys()].map(close));
    },
  };
}

type Opened = Map<string, OpenVcenter>;

function openOne({ clock, log, password, onChange }: Parts, row: VcenterRow): OpenVcenter {
  const { url, certificateSha256 } = row;
  const vcenter = createVcenter({ ...row, password: () => password(row.id), clock, log });
  const certificatePem = async (options: Signalled): Promise<string> => {
    const seen = await readCertificate(url, { clock, ...options });
    const change = certificateChange(seen, certificateSha256);
    if (change !== null) throw change;
    return seen.pem;
  };
  const inventory = followInventory({
    vcenter,
    clock,
    log,
    onChange: () => {
      onChange(row.id);
    },
  });
  return {
    vcenter,
    inventory,
    cold: coldCopy({ vcenter, certificatePem, certificateSha256, clock }),
    frozen: frozenBytes({ url, vcenter, certificatePem }),
  };
}

const sourceOf = (opened: Opened, of: (siteId: string) => OpenVcenter): Sources => ({
  list: async (options) => {
    const sites = [...opened];
    await Promise.all(sites.map(([, { inventory }]) => inventory.ready(options)));
    return sites.flatMap(([siteId, { inventory }]) =>
      inventory.vms().flatMap((spec) => (spec.isTemplate ? [] : [sourceVmOf(siteId, spec)])),
    );
  },
  state: async ({ image }, options) => {
    // A snapshot does not change; that it is gone shows when it is read.
    if (image.format === 'snapshot') return { fingerprint: `${image.snapshotMoRef}/${String(image.diskKey)}` };
    const file = datastoreFile(image);
    return { fingerprint: await of(file.siteId).cold.fingerprint(file, options) };
  },
  // Over HTTPS nothing is told of holes: all of it is read.
  allocated: (image) => {
    const { capacityBytes } = image.format === 'snapshot' ? image : datastoreFile(image);
    return Promise.resolve([{ offset: 0, length: capacityBytes }]);
  },
});

function datastoreFile(image: SourceImage): DatastoreFile {
  if (image.format !== 'datastore') throw new AppError('INTERNAL', `${image.path} lies in no datastore.`);
  return image;
}

/** While the first look at the inventory is under way, or failed, a VM that it does not show may well be there. */
async function findVm(
  inventory: LiveInventory,
  { siteId, vmId }: { readonly siteId: string; readonly vmId: string },
  options: Signalled,
): Promise<VmSpec> {
  await inventory.ready(options);
  const spec = inventory.vms().find((one) => vmIdOf(siteId, one) === vmId);
  if (spec !== undefined) return spec;
  throw inventory.state().error ?? new AppError('NOT_FOUND', `The vCenter lists no VM ${vmId}.`, { vm_id: vmId });
}

/** What this machine reads disks with. */
const readers: CopyFacts['movers'] = [
  { name: 'lab', available: true, because: 'It is built in.' },
  { name: 'folder', available: true, because: 'It is built in.' },
];

async function methodOf(vcenter: Vcenter, spec: VmSpec, options: Signalled): Promise<CopyMethod> {
  const { fullName } = await vcenter.about(options);
  const { datastores } = await vcenter.inventory(options);
  const typeOf = new Map(datastores.map(({ moRef, type }) => [moRef, type]));
  return copyMethod({
    powerState: spec.powerState,
    snapshotCount: allSnapshots(spec.snapshots).length,
    disks: spec.disks.map((disk) => ({ ...disk, datastoreType: typeOf.get(disk.datastoreMoRef ?? '') ?? null })),
    isLab: fullName.includes('(OSSEA lab)'),
    movers: readers,
  });
}
