import { IconShieldCheck, IconShieldQuestion } from '@tabler/icons-react';
import type { Migration } from '../../shared/contract/migrations.ts';
import './badge.css';

/** "Completed" without a named proof does not exist; the badge says which one, or that there is none. */
export function ProofBadge({ migration }: { readonly migration: Migration }) {
  if (migration.proof !== null) {
    return (
      <span className="badge badge-good">
        <IconShieldCheck size={14} aria-hidden />
        Proved: {migration.proof}
      </span>
    );
  }
  if (migration.status !== 'unverified') return null;
  return (
    <span className="badge badge-warn">
      <IconShieldQuestion size={14} aria-hidden />
      Unverified
    </span>
  );
}
