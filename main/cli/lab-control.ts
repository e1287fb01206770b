import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorBody } from '../../shared/contract/fields.ts';
import { AppError, fromErrorBody } from '../../shared/errors.ts';

const access = z.object({ url: z.string(), control_token: z.string() });

/** Asks a lab to do something to itself, as `vms/clone`; what it refuses is thrown as it says it. */
export async function askLab(
  labDir: string,
  { act, body, signal }: { readonly act: string; readonly body: object; readonly signal: AbortSignal },
): Promise<unknown> {
  const lab = access.parse(JSON.parse(readLabFile(labDir)));
  const url = new URL(`/lab/v1/${act}`, lab.url);
  const headers = { authorization: `Bearer ${lab.control_token}`, 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal }).catch(
    (error: unknown) => {
      throw new AppError('LAB_UNAVAILABLE', `Nothing answers at ${lab.url}.`, undefined, { cause: error });
    },
  );
  const said: unknown = await answer.json();
  if (answer.ok) return said;
  throw fromErrorBody(errorBody.parse(said));
}

function readLabFile(dir: string): string {
  try {
    return readFileSync(join(dir, 'lab.json'), 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError('LAB_UNAVAILABLE', `There is no lab in ${dir}: ${why}`, undefined, { cause: error });
  }
}
