import type { Envelope } from '../../shared/client/bridge.ts';
import { toErrorBody } from '../../shared/errors.ts';

export async function envelope<T>(work: () => Promise<T>): Promise<Envelope<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: toErrorBody(error) };
  }
}
