import { AppError } from '../../../shared/errors.ts';
import { volumeGib } from '../../domain/volume-size.ts';
import { type Check, failed, passed, unknown } from '../facts.ts';

export const limitsSuffice: Check = {
  id: 'limits-suffice',
  title: 'The limits of CloudStack allow the volumes',
  judge: ({ limits, vm, headroomGib }) => {
    if (!limits.known) return unknown(limits.error);
    const { largestVolumeGib, volumesLeft } = limits.value;
    const largest = Math.max(...vm.disks.map((disk) => volumeGib(disk.capacityBytes, headroomGib)));
    if (largestVolumeGib !== null && largest > largestVolumeGib) {
      const text = `A volume of ${String(largest)} GiB is needed, CloudStack allows ${String(largestVolumeGib)}.`;
      return failed(new AppError('CLOUD_LIMIT', text));
    }
    if (volumesLeft !== null && vm.disks.length > volumesLeft) {
      const text = `${String(vm.disks.length)} volumes are needed, the account has ${String(volumesLeft)} left.`;
      return failed(new AppError('CLOUD_LIMIT', text));
    }
    const left = volumesLeft === null ? 'not visible to this API key' : String(volumesLeft);
    return passed(`largest volume ${String(largest)} GiB; volumes left: ${left}`);
  },
};
