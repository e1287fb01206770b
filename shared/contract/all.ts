import { listEvents } from './events.ts';
import { listExports } from './exports.ts';
import { getHealth, getLiveness } from './health.ts';
import { cancelMigration, createMigration, getMigration, listMigrations, resumeMigration } from './migrations.ts';
import { getOperation, listOperations } from './operations.ts';
import { changeSettings, getSettings } from './settings.ts';
import { listVms } from './vms.ts';
import { listVolumes } from './volumes.ts';

/** Every endpoint of the daemon, once. REST, IPC, CLI, client and OpenAPI are made from this table. */
export const endpoints = {
  getLiveness,
  getHealth,
  listVms,
  createMigration,
  listMigrations,
  getMigration,
  cancelMigration,
  resumeMigration,
  listOperations,
  getOperation,
  listVolumes,
  listExports,
  listEvents,
  getSettings,
  changeSettings,
} as const;

export type Endpoints = typeof endpoints;
export type EndpointName = keyof Endpoints;
