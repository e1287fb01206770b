import type { Handlers } from '../../shared/contract/calls.ts';
import { AppError, asAppError } from '../../shared/errors.ts';
import type { UsecaseParts } from './parts.ts';

type Part = 'healthy' | 'unhealthy' | 'unknown';

export const getLiveness =
  ({ clock, about }: UsecaseParts): Handlers['getLiveness'] =>
  () =>
    Promise.resolve({
      status: 'alive',
      service: 'ossea-volume-daemon',
      version: about.version,
      timestamp: clock.now(),
    });

/** Every part is asked now; nothing is said healthy from memory. */
export const getHealth =
  (parts: UsecaseParts): Handlers['getHealth'] =>
  async (_input, { signal }) => {
    const details: Record<string, string> = {};
    const ask = async (name: string, question: () => Promise<string>): Promise<Part> => {
      try {
        details[name] = await question();
        return 'healthy';
      } catch (thrown) {
        const error = asAppError(thrown);
        details[name] = `${error.code}: ${error.reason ?? error.message}`;
        return error.code === 'SITE_MISSING' ? 'unknown' : 'unhealthy';
      }
    };
    const [cloud, database, devices, nbd] = await Promise.all([
      ask(
        'cloudstack',
        async () =>
          `${String((await parts.cloud.volumesOfVm(parts.site().omaVmId, { signal })).length)} volumes on the appliance`,
      ),
      ask('database', async () => {
        if (parts.engine.stalled() !== null) throw new AppError('DATA_DIR_FULL', 'Work waits for space.');
        return `event ${String((await parts.history.bounds()).newest)}`;
      }),
      ask('device_monitor', async () => `${String((await parts.host.snapshot({ signal })).devices.length)} devices`),
      ask('nbd_server', async () => {
        const pid = await parts.exports.serverPid();
        return pid === null
          ? 'not started: no export is open'
          : `pid ${String(pid)}, port ${String(parts.exports.port)}`;
      }),
    ]);
    const all = [cloud, database, devices, nbd];
    return {
      status: all.includes('unhealthy') ? 'unhealthy' : all.includes('unknown') ? 'unknown' : 'healthy',
      timestamp: parts.clock.now(),
      instance_id: parts.about.instanceId,
      version: parts.about.version,
      lab: parts.about.lab,
      cloudstack_health: cloud,
      database_health: database,
      device_monitor: devices,
      nbd_server: nbd,
      details,
    };
  };
