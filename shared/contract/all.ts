import { listEvents } from './events.ts';
import { closeExport, listExports, listOrphanExports, validateExports } from './exports.ts';
import { getHealth, getLiveness } from './health.ts';
import { listHosts } from './hosts.ts';
import { getInventory } from './inventory.ts';
import { getMetrics } from './metrics.ts';
import {
  cancelMigration,
  createMigration,
  getMigration,
  limitMigration,
  listMigrations,
  resumeMigration,
} from './migrations.ts';
import { abandonOperation, getOperation, listOperations, resumeOperation } from './operations.ts';
import { getPreflight } from './preflight.ts';
import { changeSettings, getSettings } from './settings.ts';
import { addSite, addVma, changeSite, listSites, readSiteCertificate, removeSite, testSite } from './sites.ts';
import { getVm, listVms } from './vms.ts';
import {
  attachRootVolume,
  attachVolume,
  cleanUpTestFailover,
  createVolume,
  deleteVolume,
  detachVolume,
  forceSync,
} from './volume-operations.ts';
import { getDeviceVolume, getVolume, getVolumeDevice, listVmVolumes, listVolumes } from './volumes.ts';

/** Every endpoint of the daemon, once. REST, IPC, CLI, client and OpenAPI are made from this table. */
export const endpoints = {
  getLiveness,
  getHealth,
  listVms,
  getVm,
  listSites,
  readSiteCertificate,
  addSite,
  addVma,
  changeSite,
  removeSite,
  testSite,
  createMigration,
  listMigrations,
  getMigration,
  cancelMigration,
  limitMigration,
  resumeMigration,
  createVolume,
  attachVolume,
  attachRootVolume,
  detachVolume,
  deleteVolume,
  cleanUpTestFailover,
  forceSync,
  getVolume,
  getVolumeDevice,
  getDeviceVolume,
  listVmVolumes,
  listOperations,
  getOperation,
  resumeOperation,
  abandonOperation,
  getMetrics,
  listVolumes,
  listExports,
  validateExports,
  listOrphanExports,
  closeExport,
  listHosts,
  getInventory,
  getPreflight,
  listEvents,
  getSettings,
  changeSettings,
} as const;

export type Endpoints = typeof endpoints;
export type EndpointName = keyof Endpoints;
