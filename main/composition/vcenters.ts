import { AppError } from '../../shared/errors.ts';
import type { PresentMovers } from '../adapters/movers/present-movers.ts';
import { readerExtents } from '../adapters/processes/reader-extents.ts';
import { certificateChange, readCertificate } from '../adapters/vsphere/certificate.ts';
import { connectionSteps } from '../adapters/vsphere/connection-steps.ts';
import { coldCopy } from '../adapters/vsphere/source/cold-copy.ts';
import { copyFacts } from '../adapters/vsphere/source/copy-facts.ts';
import { frozenBytes } from '../adapters/vsphere/source/frozen-bytes.ts';
import { followInventory, type LiveInventory } from '../adapters/vsphere/source/live-inventory.ts';
import { createSourceSnapshots } from '../adapters/vsphere/source/snapshots.ts';
import { sourceVmOf, vmIdOf } from '../adapters/vsphere/source/source-vm.ts';
import { createVcenter } from '../adapters/vsphere/vcenter.ts';
import { copyMethod } from '../domain/choose-copy-method.ts';
import type { CopyMethod } from '../domain/copy-method.ts';
import type { Extent } from '../domain/extent.ts';
import type { DatastoreFile, SnapshotDisk, SourceImage } from '../domain/vm.ts';
import type { VmSpec } from '../domain/vm-spec.ts';
import type { Clock } from '../ports/clock.ts';
import type { DatastoreAccess } from '../ports/datastore-access.ts';
import type { Log } from '../ports/log.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { VcenterRow, Vcenters } from '../ports/sites.ts';
import type { SnapshotLedger } from '../ports/snapshot-ledger.ts';
import type { SourceSnapshots } from '../ports/source-snapshots.ts';
import type { Sources } from '../ports/sources.ts';
import type { Vcenter } from '../ports/vcenter.ts';
import type { ReadingTurns } from './reading-turns.ts';

type OpenVcenter = {
  readonly vcenter: Vcenter;
  readonly inventory: LiveInventory;
  readonly cold: ReturnType<typeof coldCopy>;
  readonly frozen: ReturnType<typeof frozenBytes>;
  method(spec: VmSpec, options: Signalled): Promise<CopyMethod>;
};

type Parts = {
  readonly clock: Clock;
  readonly log: Log;
  /** Asked at every sign-in. */
  readonly password: (siteId: string) => Promise<string>;
  readonly onChange: (siteId: string) => void;
  readonly readingTurns: ReadingTurns;
  readonly present: (options: Signalled) => Promise<PresentMovers>;
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
  const { clock, log, ledgerOf, readingTurns } = parts;
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
  const datastores = datastoresOf(of, readingTurns);
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
    source: sourceOf(opened, of, (image, options) => readerExtents({ source: image, clock, datastores }, options)),
    snapshots: createSourceSnapshots((siteId) => {
      const { vcenter, inventory, method } = of(siteId);
      return {
        siteId,
        vcenter,
        ledger: ledgerOf(siteId),
        specOf: (vmId, options) => findVm(inventory, { siteId, vmId }, options),
        method,
      };
    }),
    datastores,
    close: async () => {
      await Promise.all([...opened.keys()].map(close));
    },
  };
}

function hostOf({ inventory }: OpenVcenter, { vmMoRef }: DatastoreFile | SnapshotDisk) {
  const spec = inventory.vms().find(({ moRef }) => moRef === vmMoRef);
  const moRef = spec?.hostMoRef ?? null;
  return moRef === null ? null : { moRef, name: spec?.host ?? moRef };
}

type Opened = Map<string, OpenVcenter>;
type Of = (siteId: string) => OpenVcenter;

function openOne({ clock, log, password, onChange, present }: Parts, row: VcenterRow): OpenVcenter {
  const { url, certificateSha256 } = row;
  const site = { ...row, password: () => password(row.id) };
  const vcenter = createVcenter({ ...site, clock, log });
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
    frozen: frozenBytes({
      site,
      vcenter,
      certificatePem,
      libdir: async (options) => (await present(options)).libdir,
    }),
    method: async (spec, options) => {
      const { movers } = await present(options);
      return copyMethod(await copyFacts({ vcenter, spec, movers }, options));
    },
  };
}

const datastoresOf = (of: Of, readingTurns: ReadingTurns): DatastoreAccess => ({
  locate: (disk, options) => {
    const { cold, frozen } = of(disk.siteId);
    return disk.format === 'snapshot' ? frozen.locate(disk, options) : cold.locate(disk, options);
  },
  library: (disk, options) => of(disk.siteId).frozen.library(disk, options),
  hostOf: (disk) => {
    const host = hostOf(of(disk.siteId), disk);
    return host === null ? null : `${disk.siteId}/${host.moRef}`;
  },
  enter: (disk, options) => readingTurns.enter({ siteId: disk.siteId, host: hostOf(of(disk.siteId), disk) }, options),
});

type Extents = (image: SnapshotDisk, options: Signalled) => Promise<readonly Extent[]>;

const sourceOf = (opened: Opened, of: Of, extentsOf: Extents): Sources => ({
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
  allocated: (image, options) => {
    if (image.format === 'snapshot' && image.reader === 'vddk') {
      return extentsOf(image, options);
    }
    // Over HTTPS nothing is told of holes: all of it is read.
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
