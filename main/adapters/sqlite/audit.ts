import type { Clock } from '../../ports/clock.ts';
import type { AuditRows } from '../../ports/rows.ts';
import { sqlOf } from './database.ts';

export function createAuditRows(clock: Clock): AuditRows {
  return {
    append: (tx, { actor, act, subject, details }) =>
      sqlOf(tx).run('INSERT INTO audit (at, actor, act, subject, details) VALUES (?, ?, ?, ?, ?)', [
        clock.now(),
        actor,
        act,
        subject,
        JSON.stringify(details ?? null),
      ]),
  };
}
