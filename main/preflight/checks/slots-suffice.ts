import { AppError } from '../../../shared/errors.ts';
import { type Check, failed, passed } from '../facts.ts';

export const slotsSuffice: Check = {
  id: 'slots-suffice',
  title: 'The appliance takes all disks at once',
  judge: ({ vm, slotsTotal }) => {
    const needed = vm.disks.length;
    const text = `${String(needed)} needed, ${String(slotsTotal)} in all`;
    return needed <= slotsTotal ? passed(text) : failed(new AppError('SLOTS_TOO_FEW', text));
  },
};
