import { AppError } from '../../../shared/errors.ts';
import { volumeGib } from '../../domain/volume-size.ts';
import { type Check, failed, passed, unknown } from '../facts.ts';

export const offeringFits: Check = {
  id: 'offering-fits',
  title: 'The disk offering gives volumes of the sizes needed',
  judge: ({ offering, vm, headroomGib }) => {
    if (!offering.known) return unknown(offering.error);
    if (offering.value === null)
      return failed(new AppError('NOT_FOUND', 'CloudStack does not list the disk offering.'));
    const { name, sizeGib } = offering.value;
    if (sizeGib !== null) return failed(new AppError('CLOUD_LIMIT', `Disk offering ${name} has a fixed size.`));
    const largest = Math.max(...vm.disks.map((disk) => volumeGib(disk.capacityBytes, headroomGib)));
    return passed(`${name}, custom size; the largest volume has ${String(largest)} GiB`);
  },
};
