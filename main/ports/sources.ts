import type { Extent } from '../domain/extent.ts';
import type { SourceDisk, SourceImage, SourceVm } from '../domain/vm.ts';
import type { Signalled } from './signalled.ts';

/** What must stay the same while a disk is copied (of a file: identity, size, times, backing files; of a VM's disk: rule M7). */
export type SourceState = { readonly fingerprint: string };

/** Where VMs come from: VM definitions over image files, or vCenters. */
export type Sources = {
  list(options: Signalled): Promise<readonly SourceVm[]>;
  /** Throws where the disk cannot be copied as it is now. */
  state(disk: SourceDisk, options: Signalled): Promise<SourceState>;
  /** Areas that hold data, sorted and merged; the rest reads as zero. */
  allocated(image: SourceImage, options: Signalled): Promise<readonly Extent[]>;
};
