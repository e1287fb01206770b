import { AppError } from '../../../shared/errors.ts';
import type { BlockDevice, HostSnapshot, Mapping } from '../../domain/device.ts';

/** Throws DEVICE_CHANGED with both sides as evidence unless the mapping is still true of this snapshot. */
export function proveDevice(snapshot: HostSnapshot, mapping: Mapping): BlockDevice {
  const expected = mapping.device;
  const found = snapshot.devices.find(({ name }) => name === expected.name);
  const differs = (what: string, before: unknown, now: unknown) =>
    new AppError('DEVICE_CHANGED', `${expected.path}: ${what} is ${String(now)}, was ${String(before)}.`, {
      volume_id: mapping.volumeId,
      device_path: expected.path,
      what,
      expected: before,
      found: now,
    });
  if (snapshot.bootId !== mapping.bootId) throw differs('boot id', mapping.bootId, snapshot.bootId);
  if (mapping.endedAt !== null) throw differs('observation', 'open', `ended at ${mapping.endedAt}`);
  if (found === undefined) throw differs('device', 'present', 'absent');
  if (found.dev !== expected.dev) throw differs('kernel identity', expected.dev, found.dev);
  if (found.diskseq !== expected.diskseq) throw differs('diskseq', expected.diskseq, found.diskseq);
  if (found.serial !== expected.serial) throw differs('serial', expected.serial, found.serial);
  if (found.sizeBytes !== expected.sizeBytes) throw differs('size', expected.sizeBytes, found.sizeBytes);
  return found;
}
