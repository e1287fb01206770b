import type { Handlers } from '../../shared/contract/calls.ts';
import { createMigration } from './create-migration.ts';
import { listVms } from './list-vms.ts';
import type { UsecaseParts } from './parts.ts';
import { listEvents } from './read-events.ts';
import { getHealth, getLiveness } from './read-health.ts';
import { getMigration, listMigrations } from './read-migrations.ts';
import { getOperation, listExports, listOperations, listVolumes } from './read-volumes.ts';
import { changeSettings, getSettings } from './settings.ts';
import { cancelMigration, resumeMigration } from './steer-migration.ts';

/** The map of usecases is the handler map of REST, IPC and CLI. */
export const createUsecases = (parts: UsecaseParts): Handlers => ({
  getLiveness: getLiveness(parts),
  getHealth: getHealth(parts),
  listVms: listVms(parts),
  createMigration: createMigration(parts),
  listMigrations: listMigrations(parts),
  getMigration: getMigration(parts),
  cancelMigration: cancelMigration(parts),
  resumeMigration: resumeMigration(parts),
  listOperations: listOperations(parts),
  getOperation: getOperation(parts),
  listVolumes: listVolumes(parts),
  listExports: listExports(parts),
  listEvents: listEvents(parts),
  getSettings: getSettings(parts),
  changeSettings: changeSettings(parts),
});
