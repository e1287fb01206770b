import type { Call, Calls } from './call.ts';
import { openPropertyCalls, propertyCalls } from './property-calls.ts';
import { openCalls, privilegeCalls, sessionCalls } from './session-calls.ts';
import { snapshotCalls } from './snapshot-calls.ts';
import { vmCalls } from './vm-calls.ts';

/** Every call of the lab's vCenter, by its own name. */
export const calls: Calls<Call> = {
  ...openCalls,
  ...openPropertyCalls,
  ...sessionCalls,
  ...privilegeCalls,
  ...propertyCalls,
  ...vmCalls,
  ...snapshotCalls,
};
