import { type Check, failed, passed } from '../facts.ts';

export const devicesCanBeSeen: Check = {
  id: 'devices-seen',
  title: 'The devices of the appliance can be seen',
  judge: ({ host }) => (host.known ? passed(`${String(host.value.devices)} devices`) : failed(host.error)),
};
