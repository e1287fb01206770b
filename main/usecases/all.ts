import type { Handlers } from '../../shared/contract/calls.ts';
import { addSite, addVma } from './add-site.ts';
import { changeSite } from './change-site.ts';
import { createMigration } from './create-migration.ts';
import { getVm, listVms } from './list-vms.ts';
import type { UsecaseParts } from './parts.ts';
import { getPreflight } from './preflight.ts';
import { getInventory, getVolume, listVmVolumes } from './read-cloud.ts';
import { getDeviceVolume, getVolumeDevice, listHosts } from './read-devices.ts';
import { listEvents } from './read-events.ts';
import { getHealth, getLiveness } from './read-health.ts';
import { getMetrics } from './read-metrics.ts';
import { getMigration, listMigrations } from './read-migrations.ts';
import { getOperation, listExports, listOperations, listVolumes } from './read-volumes.ts';
import { changeSettings, getSettings } from './settings.ts';
import { listSites, readSiteCertificate, removeSite, testSite } from './sites.ts';
import { cancelMigration, limitMigration, resumeMigration } from './steer-migration.ts';
import { abandonOperation, resumeOperation } from './steer-operation.ts';
import { closeExport, listOrphanExports, validateExports } from './tend-exports.ts';
import {
  attachRootVolume,
  attachVolume,
  cleanUpTestFailover,
  createVolume,
  deleteVolume,
  detachVolume,
  forceSync,
} from './volume-operations.ts';

/** The map of usecases is the handler map of REST, IPC and CLI. */
export const createUsecases = (parts: UsecaseParts): Handlers => ({
  getLiveness: getLiveness(parts),
  getHealth: getHealth(parts),
  listVms: listVms(parts),
  getVm: getVm(parts),
  listSites: listSites(parts),
  readSiteCertificate: readSiteCertificate(parts),
  addSite: addSite(parts),
  addVma: addVma(parts),
  changeSite: changeSite(parts),
  removeSite: removeSite(parts),
  testSite: testSite(parts),
  createMigration: createMigration(parts),
  listMigrations: listMigrations(parts),
  getMigration: getMigration(parts),
  cancelMigration: cancelMigration(parts),
  limitMigration: limitMigration(parts),
  resumeMigration: resumeMigration(parts),
  createVolume: createVolume(parts),
  attachVolume: attachVolume(parts),
  attachRootVolume: attachRootVolume(parts),
  detachVolume: detachVolume(parts),
  deleteVolume: deleteVolume(parts),
  cleanUpTestFailover: cleanUpTestFailover(parts),
  forceSync: forceSync(parts),
  getVolume: getVolume(parts),
  getVolumeDevice: getVolumeDevice(parts),
  getDeviceVolume: getDeviceVolume(parts),
  listVmVolumes: listVmVolumes(parts),
  listOperations: listOperations(parts),
  getOperation: getOperation(parts),
  resumeOperation: resumeOperation(parts),
  abandonOperation: abandonOperation(parts),
  getMetrics: getMetrics(parts),
  listVolumes: listVolumes(parts),
  listExports: listExports(parts),
  validateExports: validateExports(parts),
  listOrphanExports: listOrphanExports(parts),
  closeExport: closeExport(parts),
  listHosts: listHosts(parts),
  getInventory: getInventory(parts),
  getPreflight: getPreflight(parts),
  listEvents: listEvents(parts),
  getSettings: getSettings(parts),
  changeSettings: changeSettings(parts),
});
