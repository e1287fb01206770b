import type { AppError } from '../../shared/errors.ts';
import type { VmSpec } from '../domain/vm-spec.ts';
import type { Signalled } from './signalled.ts';
import type { Tx } from './store.ts';
import type { ConnectionStep, Vcenter, VcenterCertificate, VcenterSite } from './vcenter.ts';

/** A vCenter as it is kept; its password lies in the vault. */
export type SiteRow = {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly username: string;
  readonly certificateSha256: string;
  /** UTC, ISO 8601. */
  readonly createdAt: string;
};

export type SiteRows = {
  list(): Promise<readonly SiteRow[]>;
  /** Throws SITE_EXISTS. */
  insert(tx: Tx, site: SiteRow): Promise<void>;
  change(tx: Tx, site: SiteRow): Promise<void>;
  remove(tx: Tx, id: string): Promise<void>;
};

export type InventoryState = {
  readonly state: 'connecting' | 'live' | 'lost';
  /** Why it is lost; what is listed then is what was seen last. */
  readonly error: AppError | null;
  /** UTC, ISO 8601; null before the first complete look. */
  readonly seenAt: string | null;
};

/** The vCenters of the sites, each with one session and a list of VMs that follows every change. */
export type Vcenters = {
  certificate(url: string, options: Signalled): Promise<VcenterCertificate>;
  /** Signs in and out once. */
  verify(site: VcenterSite, options: Signalled): Promise<void>;
  steps(site: VcenterSite, options: Signalled): AsyncIterable<ConnectionStep>;
  /** From now on its VMs are followed; a site that is open already is opened anew. */
  open(site: SiteRow): Promise<void>;
  close(siteId: string): Promise<void>;
  /** The session of an open site. */
  vcenter(siteId: string): Vcenter;
  state(siteId: string): InventoryState & { readonly vmCount: number };
  /** Null for a VM that no open site lists. */
  spec(siteId: string, vmId: string): VmSpec | null;
};
