import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';

const access = z.object({ url: z.string(), control_token: z.string() });

/** Asks the lab of a data directory to do something to itself, as `vms/clone`. */
export async function askLab(
  dataDir: string,
  { act, body, signal }: { readonly act: string; readonly body: object; readonly signal: AbortSignal },
): Promise<unknown> {
  const lab = access.parse(JSON.parse(readFileSync(join(dataDir, 'lab', 'lab.json'), 'utf8')));
  const answer = await fetch(new URL(`/lab/v1/${act}`, lab.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${lab.control_token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  if (!answer.ok) throw new AppError('LAB_UNAVAILABLE', `${act} was answered with HTTP ${String(answer.status)}.`);
  return await answer.json();
}
