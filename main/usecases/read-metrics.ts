import type { Handlers } from '../../shared/contract/calls.ts';
import type { UsecaseParts } from './parts.ts';

export const getMetrics =
  (parts: UsecaseParts): Handlers['getMetrics'] =>
  async (_input, { signal }) => {
    const { rows, host, history, clock } = parts;
    const [operations, migrations, volumes, mappings, exports, slots, bounds, snapshot] = await Promise.all([
      rows.operations.counts(),
      rows.jobs.counts(),
      rows.volumes.counts(),
      rows.mappings.openOn(host.hostId),
      rows.exports.active(),
      rows.jobs.slotsHeld(),
      history.bounds(),
      host.snapshot({ signal }),
    ]);
    const { user, system } = process.cpuUsage();
    return {
      timestamp: clock.now(),
      uptime_seconds: process.uptime(),
      operations: [...operations],
      migrations: [...migrations],
      volumes: [...volumes],
      mappings_open: mappings.length,
      exports_open: exports.length,
      devices_seen: snapshot.devices.length,
      slots_in_use: slots.reduce((sum, { slots: held }) => sum + held, 0),
      slots_total: rows.settings.get().attach_slots,
      events_newest_seq: bounds.newest,
      resident_bytes: process.memoryUsage.rss(),
      cpu_seconds: (user + system) / 1_000_000,
    };
  };
