import type { Handlers } from '../../shared/contract/calls.ts';
import type { Finding, NbdExport } from '../../shared/contract/exports.ts';
import { AppError } from '../../shared/errors.ts';
import type { UsecaseParts } from './parts.ts';
import { withClients } from './read-volumes.ts';

const finding = (row: NbdExport, code: string, text: string): Finding => ({
  code,
  text,
  volume_id: row.volume_id,
  device_path: row.device_path,
  proposed: { method: 'DELETE', path: `/api/v1/exports/${row.volume_id}`, body: null },
});

/** Four things have to agree: the row, the configuration, the listener, and the device under the name. */
export const validateExports =
  (parts: UsecaseParts): Handlers['validateExports'] =>
  async (_input, { signal }) => {
    const [active, listed, serverPid] = await Promise.all([
      parts.rows.exports.active(),
      parts.exports.listed(),
      parts.exports.serverPid(),
    ]);
    const findings: Finding[] = [];
    for (const row of active) {
      const mapping = await parts.truth.verified(row.volume_id, { signal });
      if (mapping?.device.dev !== row.dev)
        findings.push(finding(row, 'DEVICE_CHANGED', `${row.device_path} is not proved to be the volume any more.`));
      if (!listed.includes(row.export_name))
        findings.push(finding(row, 'EXPORT_FAILED', `${row.export_name} is recorded as open and is not configured.`));
    }
    if (active.length > 0 && serverPid === null)
      findings.push(...active.map((row) => finding(row, 'EXPORT_FAILED', 'The NBD server does not run.')));
    for (const name of listed.filter((one) => active.every((row) => row.export_name !== one))) {
      const text = `${name} is configured and no record has it open.`;
      findings.push({ code: 'EXPORT_UNKNOWN', text, volume_id: null, device_path: null, proposed: null });
    }
    return { valid: findings.length === 0, findings };
  };

export const listOrphanExports =
  (parts: UsecaseParts): Handlers['listOrphanExports'] =>
  async () => {
    const clients = await parts.exports.clients();
    const orphans: NbdExport[] = [];
    for (const row of await parts.rows.exports.active()) {
      if ((await parts.rows.jobs.usingVolume(row.volume_id)) === null) orphans.push(withClients(row, clients));
    }
    return { exports: orphans };
  };

export const closeExport =
  (parts: UsecaseParts): Handlers['closeExport'] =>
  async ({ params }, { signal, actor }) => {
    const { rows, exports, store } = parts;
    const served = await rows.exports.openMapping(params.volume_id);
    const row = (await rows.exports.active()).find(({ volume_id: id }) => id === params.volume_id);
    if (served === null || row === undefined)
      throw new AppError('NOT_FOUND', `No export of volume ${params.volume_id} is open.`);
    const migrationId = await rows.jobs.usingVolume(params.volume_id);
    if (migrationId !== null)
      throw new AppError('VOLUME_IN_USE', `Migration ${migrationId} uses the export.`, { migration_id: migrationId });
    await exports.close(served, { signal });
    await store.write(async (tx) => {
      await rows.exports.close(tx, served.id);
      await rows.audit.append(tx, { actor, act: 'export.close', subject: params.volume_id, details: null });
    });
    return { ...row, status: 'closed', closed_at: parts.clock.now() };
  };
