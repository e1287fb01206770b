import type { Extent } from '../domain/extent.ts';
import type { SourceDisk, SourceImage, SourceVm } from '../domain/vm.ts';
import type { Signalled } from './signalled.ts';

/** What must stay the same while a disk is copied (file identity, size, times, backing files). */
export type SourceState = { readonly fingerprint: string };

/** VM definitions over image files. */
export type SourceImages = {
  list(options: Signalled): Promise<readonly SourceVm[]>;
  state(disk: SourceDisk, options: Signalled): Promise<SourceState>;
  /** Areas that hold data, sorted and merged; the rest reads as zero. */
  allocated(image: SourceImage, options: Signalled): Promise<readonly Extent[]>;
};
