import type { Handlers } from '../../shared/contract/calls.ts';
import type { UsecaseParts } from './parts.ts';

export const getSettings =
  ({ rows }: UsecaseParts): Handlers['getSettings'] =>
  () =>
    Promise.resolve(rows.settings.get());

export const changeSettings =
  ({ rows, store, reconsider }: UsecaseParts): Handlers['changeSettings'] =>
  async ({ body }, { actor }) => {
    await store.write(async (tx) => {
      await rows.settings.change(tx, body);
      await rows.audit.append(tx, { actor, act: 'settings.change', subject: 'settings', details: body });
    });
    reconsider();
    return rows.settings.get();
  };
