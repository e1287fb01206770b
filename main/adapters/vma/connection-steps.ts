import type { Reply } from '../../../shared/contract/calls.ts';
import type { VmaEndpoints } from '../../../shared/contract/vma/all.ts';
import { protocol } from '../../../shared/contract/vma/protocol.ts';
import { type AppError, asAppError, type ErrorCode, toErrorBody } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { ConnectionStep } from '../../ports/vcenter.ts';
import { createVmaClient, type VmaClientParts } from './client.ts';

type Health = Reply<'getVmaHealth', VmaEndpoints>;

const toleratedSkewMs = 60_000;

/** The order in which a question can fail: what comes before the failure was in order. */
const upTo: Partial<Record<ErrorCode, ConnectionStep['step']>> = { VMA_AUTH: 'token', PROTOCOL_MISMATCH: 'protocol' };

/** All that the VMA says of itself, step by step; ends at the first one without which the next have no meaning. */
export async function* vmaSteps(parts: VmaClientParts, options: Signalled): AsyncGenerator<ConnectionStep, void> {
  const { url, clock } = parts;
  const from = clock.monotonicMs();
  const answer = await ask(parts, options);
  const seconds = (clock.monotonicMs() - from) / 1000;
  const told = (step: ConnectionStep['step'], target: string, found: Pick<ConnectionStep, 'ok' | 'detail'>) => ({
    ...{ step, target, seconds, error: null },
    ...found,
  });
  const details = {
    reach: `answered after ${seconds.toFixed(2)} s`,
    token: 'accepted',
    protocol: `this side speaks ${String(protocol.oldest)} to ${String(protocol.current)}`,
  } as const;
  for (const step of ['reach', 'token', 'protocol'] as const) {
    if ('error' in answer && (upTo[answer.error.code] ?? 'reach') === step) {
      const { error } = answer;
      yield { step, target: url, ok: false, seconds, detail: error.message, error: toErrorBody(error) };
      return;
    }
    yield told(step, url, { ok: true, detail: details[step] });
  }
  if ('error' in answer) return;
  const { health } = answer;
  for (const { name, state } of health.sites) yield told('sites', name, { ok: state === 'live', detail: state });
  if (health.sites.length === 0) yield told('sites', url, { ok: false, detail: 'it has no vCenter' });
  for (const { name, available, because } of health.movers)
    yield told('movers', name, { ok: available ? true : null, detail: because });
  yield told('clock', 'VMA', clockOf(health, Date.parse(clock.now())));
}

async function ask(
  parts: VmaClientParts,
  { signal }: Signalled,
): Promise<{ readonly health: Health } | { readonly error: AppError }> {
  try {
    return { health: await createVmaClient(parts).call('getVmaHealth', {}, { signal }) };
  } catch (thrown) {
    signal.throwIfAborted();
    return { error: asAppError(thrown) };
  }
}

function clockOf({ time }: Health, nowMs: number): Pick<ConnectionStep, 'ok' | 'detail'> {
  const skewMs = Date.parse(time) - nowMs;
  const detail = `${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`;
  return { ok: Math.abs(skewMs) <= toleratedSkewMs, detail };
}
