import { applianceRuns } from './checks/appliance-runs.ts';
import { devicesCanBeSeen } from './checks/devices-can-be-seen.ts';
import { limitsSuffice } from './checks/limits-suffice.ts';
import { noUnfinishedMigration } from './checks/no-unfinished-migration.ts';
import { offeringFits } from './checks/offering-fits.ts';
import { recordsCanBeKept } from './checks/records-can-be-kept.ts';
import { slotsSuffice } from './checks/slots-suffice.ts';
import { sourceIsReadable } from './checks/source-is-readable.ts';
import type { Check } from './facts.ts';

export const preflightChecks: readonly Check[] = [
  sourceIsReadable,
  noUnfinishedMigration,
  applianceRuns,
  devicesCanBeSeen,
  slotsSuffice,
  offeringFits,
  limitsSuffice,
  recordsCanBeKept,
];
