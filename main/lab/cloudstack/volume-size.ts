import { invalidParameter } from '../api-error.ts';
import type { LabState, LabVolume } from '../state.ts';
import type { Parameters } from './parameters.ts';
import { FIXED_OFFERING_GB } from './volume-view.ts';

/** The size that a new volume gets, or one that is there already; the rules of both are the same but for shrinking. */
export function newSizeGb(
  state: LabState,
  { offeringId, sizeBytes }: Pick<LabVolume, 'offeringId' | 'sizeBytes'>,
  parameters: Parameters,
): number {
  const sizeGb = parameters.whole('size');
  if (offeringId === state.ids.fixedOffering) {
    if (sizeGb !== undefined) throw invalidParameter('This disk offering does not allow custom size');
    return FIXED_OFFERING_GB;
  }
  if (sizeGb === undefined) throw invalidParameter('This disk offering requires a custom size specified');
  const [min, max] = state.settings.custom_size_gb;
  if (sizeGb < min || sizeGb > max) {
    throw invalidParameter(`Volume size: ${sizeGb} GB is out of allowed range. Min: ${min}. Max: ${max}`);
  }
  const newBytes = sizeGb * 1024 ** 3;
  if (sizeGb > state.settings.max_volume_gb) {
    throw invalidParameter(
      `Requested volume size is ${newBytes}, but the maximum size allowed is ${state.settings.max_volume_gb} GB.`,
    );
  }
  if (newBytes < sizeBytes && parameters.flag('shrinkok') !== true) {
    throw invalidParameter(
      `Going from existing size of ${sizeBytes} to size of ${newBytes} would shrink the volume.Need to sign off by supplying the shrinkok parameter with value of true.`,
    );
  }
  return sizeGb;
}
