import { addSite, changeSite, listSites, readSiteCertificate, removeSite, testSite } from '../sites.ts';
import { cancelJob } from './cancel-job.ts';
import { enableChangeTracking, getChangeTracking } from './change-tracking.ts';
import { cleanUpSnapshots } from './clean-up-snapshots.ts';
import { compareSpec } from './compare-spec.ts';
import { discover } from './discover.ts';
import { freezeVm, getCopyMethod, readChangedAreas, readDiskState, thawVm } from './frozen-disks.ts';
import { getHash, startHash, stopHash } from './hashes.ts';
import { getVmaHealth, getVmaLiveness } from './health.ts';
import { openGate } from './open-gate.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';
import { getPowerState, powerOff, powerOn } from './power.ts';
import { getJobProgress, getJobStatus } from './read-jobs.ts';
import { replicate } from './replicate.ts';

export const createVmaUsecases = (parts: VmaParts): VmaHandlers => ({
  getVmaLiveness: getVmaLiveness(parts),
  getVmaHealth: getVmaHealth(parts),
  listSites: listSites(parts),
  readSiteCertificate: readSiteCertificate(parts),
  addSite: addSite(parts),
  changeSite: changeSite(parts),
  removeSite: removeSite(parts),
  testSite: testSite(parts),
  discover: discover(parts),
  replicate: replicate(parts),
  openGate: openGate(parts),
  getJobStatus: getJobStatus(parts),
  getJobProgress: getJobProgress(parts),
  cancelJob: cancelJob(parts),
  cleanUpSnapshots: cleanUpSnapshots(parts),
  getPowerState: getPowerState(parts),
  powerOn: powerOn(parts),
  powerOff: powerOff(parts),
  getChangeTracking: getChangeTracking(parts),
  enableChangeTracking: enableChangeTracking(parts),
  compareSpec: compareSpec(parts),
  getCopyMethod: getCopyMethod(parts),
  freezeVm: freezeVm(parts),
  thawVm: thawVm(parts),
  readChangedAreas: readChangedAreas(parts),
  readDiskState: readDiskState(parts),
  startHash: startHash(parts),
  getHash: getHash(parts),
  stopHash: stopHash(parts),
});
