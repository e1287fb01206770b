import { addSite, changeSite, listSites, readSiteCertificate, removeSite, testSite } from '../sites.ts';
import { discover } from './discover.ts';
import { getHash, startHash, stopHash } from './hashes.ts';
import { getVmaHealth, getVmaLiveness } from './health.ts';
import { cancelJob, getJobProgress, getJobStatus, openGate, replicate } from './jobs.ts';
import { cleanUpSnapshots, freezeVm, getCopyMethod, readChangedAreas, readDiskState, thawVm } from './snapshots.ts';
import { compareSpec, enableChangeTracking, getChangeTracking, getPowerState, powerOff, powerOn } from './vm-acts.ts';

/** Every endpoint of a VMA, once; a table beside the daemon's own, whose paths it shares in part. */
export const vmaEndpoints = {
  getVmaLiveness,
  getVmaHealth,
  listSites,
  readSiteCertificate,
  addSite,
  changeSite,
  removeSite,
  testSite,
  discover,
  replicate,
  openGate,
  getJobStatus,
  getJobProgress,
  cancelJob,
  cleanUpSnapshots,
  getPowerState,
  powerOn,
  powerOff,
  getChangeTracking,
  enableChangeTracking,
  compareSpec,
  getCopyMethod,
  freezeVm,
  thawVm,
  readChangedAreas,
  readDiskState,
  startHash,
  getHash,
  stopHash,
} as const;

export type VmaEndpoints = typeof vmaEndpoints;
export type VmaEndpointName = keyof VmaEndpoints;
