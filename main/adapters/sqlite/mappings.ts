import { type DeviceMapping, mapping as mappingSchema } from '../../../shared/contract/volumes.ts';
import { evidenceDocument, type Mapping } from '../../domain/device.ts';
import type { Clock } from '../../ports/clock.ts';
import type { MappingRows, VolumeEvents } from '../../ports/rows.ts';
import { text, textOrNull } from './columns.ts';
import { type Database, type Row, sqlOf } from './database.ts';
import type { Place } from './place.ts';

/** `document` holds the whole observation; the columns beside it carry the constraints. */
export function toMapping(row: Row): Mapping {
  const observed = JSON.parse(text(row, 'document')) as Omit<Mapping, 'endedAt' | 'endedBecause'>;
  return { ...observed, endedAt: textOrNull(row, 'ended_at'), endedBecause: textOrNull(row, 'ended_because') };
}

export function mappingDocument(row: Row): DeviceMapping {
  const mapping = toMapping(row);
  return mappingSchema.parse({
    id: mapping.id,
    volume_id: mapping.volumeId,
    vm_id: mapping.vmId,
    host_id: mapping.hostId,
    device_path: mapping.device.path,
    dev: mapping.device.dev,
    diskseq: mapping.device.diskseq,
    serial: mapping.device.serial,
    size_bytes: mapping.device.sizeBytes,
    boot_id: mapping.bootId,
    evidence: evidenceDocument(mapping.evidence),
    observed_at: mapping.observedAt,
    ended_at: mapping.endedAt,
    ended_because: mapping.endedBecause,
  });
}

export const newestOfVolume = 'SELECT * FROM device_mappings WHERE volume_id = ? ORDER BY rowid DESC LIMIT 1';

type Parts = {
  readonly database: Database;
  readonly clock: Clock;
  readonly volumes: VolumeEvents;
  readonly place: Place;
};

export function createMappingRows({ database, clock, volumes, place }: Parts): MappingRows {
  const open = async (where: string, value: string): Promise<Mapping[]> =>
    (await database.read.all(`SELECT * FROM device_mappings WHERE ended_at IS NULL AND ${where} = ?`, [value])).map(
      toMapping,
    );

  return {
    openOf: async (volumeId) => (await open('volume_id', volumeId))[0] ?? null,
    openOn: (hostId) => open('host_id', hostId),
    lastOf: async (volumeId) => {
      const [row] = await database.read.all(newestOfVolume, [volumeId]);
      return row === undefined ? null : toMapping(row);
    },
    insert: async (tx, mapping) => {
      const { endedAt: _endedAt, endedBecause: _endedBecause, ...observed } = mapping;
      await sqlOf(tx).run(
        `INSERT INTO device_mappings (id, environment_id, host_id, volume_id, vm_id, device_path, dev, boot_id, document, observed_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          mapping.id,
          place.environmentId,
          mapping.hostId,
          mapping.volumeId,
          mapping.vmId,
          mapping.device.path,
          mapping.device.dev,
          mapping.bootId,
          JSON.stringify(observed),
          mapping.observedAt,
        ],
      );
      await volumes.changed(tx, mapping.volumeId);
    },
    end: async (tx, id, because) => {
      const [row] = await sqlOf(tx).all('SELECT volume_id FROM device_mappings WHERE id = ?', [id]);
      await sqlOf(tx).run(
        'UPDATE device_mappings SET ended_at = ?, ended_because = ? WHERE id = ? AND ended_at IS NULL',
        [clock.now(), because, id],
      );
      if (row !== undefined) await volumes.changed(tx, text(row, 'volume_id'));
    },
    endAllOfOtherBoots: async (tx, hostId, bootId) => {
      const rows = await sqlOf(tx).all(
        'SELECT volume_id FROM device_mappings WHERE ended_at IS NULL AND host_id = ? AND boot_id <> ?',
        [hostId, bootId],
      );
      await sqlOf(tx).run(
        `UPDATE device_mappings SET ended_at = ?, ended_because = 'new boot' WHERE ended_at IS NULL AND host_id = ? AND boot_id <> ?`,
        [clock.now(), hostId, bootId],
      );
      for (const row of rows) await volumes.changed(tx, text(row, 'volume_id'));
      return rows.length;
    },
  };
}
