import { protocol } from '../../../shared/contract/vma/protocol.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';

export const getVmaLiveness =
  ({ clock, about }: VmaParts): VmaHandlers['getVmaLiveness'] =>
  () =>
    Promise.resolve({ status: 'alive', service: 'ossea-vma', version: about.version, timestamp: clock.now() });

export const getVmaHealth =
  (parts: VmaParts): VmaHandlers['getVmaHealth'] =>
  async () => {
    const { about, clock, rows, vcenters } = parts;
    const sites = (await rows.sites.list()).map(({ id, name }) => ({ id, name, state: vcenters.state(id).state }));
    const movers = await parts.movers();
    const works = sites.every(({ state }) => state !== 'lost') && movers.some(({ available }) => available);
    return {
      status: works ? 'healthy' : 'unhealthy',
      role: 'vma',
      instance_id: about.instanceId,
      version: about.version,
      protocol: { ...protocol },
      time: clock.now(),
      sites,
      movers: movers.map((one) => ({ ...one })),
    };
  };
