import { AppError } from '../../../shared/errors.ts';
import { type Check, failed, passed, unknown } from '../facts.ts';

export const applianceRuns: Check = {
  id: 'appliance-runs',
  title: 'CloudStack answers, and the appliance runs',
  judge: ({ appliance }) => {
    if (!appliance.known) return unknown(appliance.error);
    const vm = appliance.value;
    if (vm === null)
      return failed(new AppError('NOT_FOUND', 'CloudStack does not list the appliance to this API key.'));
    if (vm.state !== 'Running') return failed(new AppError('VM_STATE', `The appliance ${vm.name} is ${vm.state}.`));
    return passed(`${vm.name}, ${vm.state}`);
  },
};
