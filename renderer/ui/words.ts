import type { Phase, RunStatus } from '../../shared/contract/migrations.ts';
import type { Operation } from '../../shared/contract/operations.ts';

export type Tone = 'neutral' | 'active' | 'good' | 'warn' | 'bad';

export const phaseWords: Readonly<Record<Phase, { readonly name: string; readonly does: string }>> = {
  discover: { name: 'Discover', does: 'Read the disks of the VM' },
  provision: { name: 'Provision', does: 'Create the CloudStack volumes' },
  attach: { name: 'Attach', does: 'Attach to the appliance and prove the device' },
  export: { name: 'Export', does: 'Export the proved device over NBD' },
  transfer: { name: 'Transfer', does: 'Copy the allocated areas' },
  verify: { name: 'Verify', does: 'Hash source and target' },
  finalize: { name: 'Finalize', does: 'Close the export and detach' },
};

export const statusWords: Readonly<Record<RunStatus, { readonly name: string; readonly tone: Tone }>> = {
  pending: { name: 'Pending', tone: 'neutral' },
  running: { name: 'Running', tone: 'active' },
  waiting: { name: 'Waiting', tone: 'warn' },
  held: { name: 'Held', tone: 'warn' },
  completed: { name: 'Completed', tone: 'good' },
  unverified: { name: 'Unverified', tone: 'warn' },
  failed: { name: 'Failed', tone: 'bad' },
  cancelled: { name: 'Cancelled', tone: 'neutral' },
};

export const operationWords: Readonly<Record<Operation['type'], string>> = {
  create: 'Create volume',
  attach: 'Attach volume',
  'attach-root': 'Attach root volume',
  cleanup: 'Clean up test failover',
  'force-sync': 'Synchronise',
  detach: 'Detach volume',
  delete: 'Delete volume',
};

export const operationStatusWords: Readonly<
  Record<Operation['status'], { readonly name: string; readonly tone: Tone }>
> = {
  pending: { name: 'Pending', tone: 'neutral' },
  executing: { name: 'Executing', tone: 'active' },
  completed: { name: 'Completed', tone: 'good' },
  failed: { name: 'Failed', tone: 'bad' },
  cancelled: { name: 'Cancelled', tone: 'neutral' },
};
