import { type Check, failed, passed } from '../facts.ts';

export const sourceIsReadable: Check = {
  id: 'source-readable',
  title: 'Every source disk can be read',
  judge: ({ vm, unreadable }) => {
    const [first] = unreadable;
    return first === undefined ? passed(`${String(vm.disks.length)} disks`) : failed(first.error);
  },
};
