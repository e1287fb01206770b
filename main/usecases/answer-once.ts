import { AppError } from '../../shared/errors.ts';
import type { Ids } from '../ports/ids.ts';
import type { AnsweredRequests } from '../ports/rows.ts';
import type { Store } from '../ports/store.ts';

type Request = { readonly key: string; readonly endpoint: string; readonly input: unknown };

/** Answers a request with an Idempotency-Key once: the same request sent again gets the same answer, also after a crash. */
export type AnswerOnce = (request: Request, answer: (requestId: string) => Promise<unknown>) => Promise<unknown>;

type Parts = { readonly answered: AnsweredRequests; readonly store: Store; readonly ids: Ids };

/**
 * What a request makes bears an id derived from its key. So if the process dies between the making and the keeping of
 * the answer, the request sent again finds what was made instead of making it twice.
 */
export function createAnswerOnce({ answered, store, ids }: Parts): AnswerOnce {
  const underWay = new Map<string, { readonly requestHash: string; readonly reply: Promise<unknown> }>();

  return async ({ key, endpoint, input }, answer) => {
    const requestHash = ids.digest({ endpoint, input });
    const kept = underWay.get(key) ?? (await answered.find(key)) ?? underWay.get(key);
    if (kept !== undefined) {
      if (kept.requestHash === requestHash) return await kept.reply;
      throw new AppError('IDEMPOTENCY_KEY_REUSED', `Another request with the key ${key} came before.`);
    }
    const reply = answerAndKeep();
    underWay.set(key, { requestHash, reply });
    try {
      return await reply;
    } finally {
      underWay.delete(key);
    }

    async function answerAndKeep(): Promise<unknown> {
      const made = await answer(ids.derive('request', key));
      await store.write((tx) => answered.keep(tx, { key, requestHash, reply: made }));
      return made;
    }
  };
}
