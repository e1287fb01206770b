export type MoverName = 'file' | 'folder' | 'vddk' | 'lab' | 'migratekit';

/** How the disks of a VM are read, and why so: shown wherever the migration is. */
export type CopyMethod = {
  readonly mover: MoverName;
  readonly because: string;
  readonly rejected: readonly { readonly mover: MoverName; readonly because: string }[];
  /** Whether a snapshot of ours is read; else an image file, or a VM that stays off (rule M7). */
  readonly snapshot: boolean;
};
