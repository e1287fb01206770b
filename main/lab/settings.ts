import { AppError } from '../../shared/errors.ts';

export type LabSettings = {
  /** How long a job takes, drawn from this range. */
  delay_ms: [number, number];
  max_volumes: number;
  custom_size_gb: [number, number];
  /** storage.max.volume.size */
  max_volume_gb: number;
  max_data_disks: number;
  /** `none`: devices carry no serial, as on hypervisors other than KVM. */
  serials: 'virtio' | 'none';
  /** How long a detach waits for the guest to let the disk go (wait.detach.device). */
  detach_wait_ms: number;
  /** The server's clock runs ahead (or behind) by this. */
  clock_offset_ms: number;
  /** enforce.post.requests.and.timestamps of CloudStack 4.21. */
  enforce_post_and_timestamps: boolean;
  /** kvm.snapshot.enabled: false before CloudStack 4.22. */
  kvm_snapshot_enabled: boolean;
  /** `on`: devices of one size exchange their names at random moments (see oma/adversary.ts). */
  adversary: 'off' | 'on';
  /** How long the adversary waits between two exchanges, drawn from this range. */
  adversary_every_ms: [number, number];
  /** How long a task of vCenter takes, drawn from this range. */
  vc_task_ms: [number, number];
  /** How long a guest takes to shut down, drawn from this range. */
  vc_shutdown_ms: [number, number];
  /** A session of vCenter ends after so long without a call. */
  vc_idle_ms: number;
  /** No page of properties and no set of updates has more objects, whatever is asked for; 0: no limit. */
  vc_max_objects: number;
  /** How much of a disk one reply about changed areas covers; 0: all that is left. */
  vc_changed_span_bytes: number;
  vc_changed_areas_max: number;
  /** The disks of a running VM cannot be read, as on hosts that lock them; else their bytes change under the reader. */
  vc_lock_running_disks: boolean;
};

export const defaultSettings = (): LabSettings => ({
  delay_ms: [20, 150],
  max_volumes: 500,
  custom_size_gb: [1, 1024],
  max_volume_gb: 2000,
  max_data_disks: 32,
  serials: 'virtio',
  detach_wait_ms: 10_000,
  clock_offset_ms: 0,
  enforce_post_and_timestamps: false,
  kvm_snapshot_enabled: true,
  adversary: 'off',
  adversary_every_ms: [300, 2000],
  vc_task_ms: [20, 150],
  vc_shutdown_ms: [100, 400],
  vc_idle_ms: 30 * 60 * 1000,
  vc_max_objects: 500,
  vc_changed_span_bytes: 0,
  vc_changed_areas_max: 2000,
  vc_lock_running_disks: false,
});

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isRange = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(isCount) && (value[0] as number) <= (value[1] as number);

const accepts: Record<keyof LabSettings, (value: unknown) => boolean> = {
  delay_ms: isRange,
  max_volumes: isCount,
  custom_size_gb: isRange,
  max_volume_gb: isCount,
  max_data_disks: isCount,
  serials: (value) => value === 'virtio' || value === 'none',
  detach_wait_ms: isCount,
  clock_offset_ms: (value) => Number.isSafeInteger(value),
  enforce_post_and_timestamps: (value) => typeof value === 'boolean',
  kvm_snapshot_enabled: (value) => typeof value === 'boolean',
  adversary: (value) => value === 'off' || value === 'on',
  adversary_every_ms: isRange,
  vc_task_ms: isRange,
  vc_shutdown_ms: isRange,
  vc_idle_ms: isCount,
  vc_max_objects: isCount,
  vc_changed_span_bytes: isCount,
  vc_changed_areas_max: (value) => isCount(value) && value !== 0,
  vc_lock_running_disks: (value) => typeof value === 'boolean',
};

/** All or nothing: one wrong value leaves everything as it was. */
export function changeSettings(settings: LabSettings, changes: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(changes)) {
    const accept = Object.hasOwn(accepts, name) ? accepts[name as keyof LabSettings] : undefined;
    if (accept === undefined) throw new AppError('INVALID_REQUEST', `There is no setting ${name}.`);
    if (!accept(value)) throw new AppError('INVALID_REQUEST', `${name} cannot be ${JSON.stringify(value)}.`);
  }
  Object.assign(settings, changes);
}
