import { request } from 'undici';
import { AppError } from '../../../../shared/errors.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import { withinLimit } from '../../processes/within-limit.ts';
import { pinnedAgent } from '../pinned-agent.ts';
import { unreachable } from '../unreachable.ts';

/** What the server tells of a file without giving it; null where it does not say. */
export type FolderFile = { readonly sizeBytes: number | null; readonly modified: string | null };

const headMs = 60_000;

/** A file that was written to meanwhile shows it here, even when its VM is off again (rule M7). */
export async function lookAtFile(
  place: { readonly url: string; readonly cookie: string; readonly certificateSha256: string },
  { clock, signal }: Signalled & { readonly clock: Clock },
): Promise<FolderFile> {
  const { url, cookie, certificateSha256 } = place;
  const dispatcher = pinnedAgent(certificateSha256);
  try {
    return await withinLimit({ clock, signal, timeoutMs: headMs, code: 'VCENTER_UNREACHABLE' }, async (limit) => {
      const reply = await request(url, { method: 'HEAD', headers: { Cookie: cookie }, dispatcher, signal: limit });
      await reply.body.dump();
      if (reply.statusCode === 200) return told(reply.headers);
      const { pathname } = new URL(url);
      throw new AppError('SOURCE_UNREADABLE', `${pathname}: HTTP ${String(reply.statusCode)}.`, { path: pathname });
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof AppError ? error : unreachable('HEAD', error);
  } finally {
    await dispatcher.destroy();
  }
}

function told(headers: Readonly<Record<string, string | string[] | undefined>>): FolderFile {
  const size = headers['content-length'];
  const modified = headers['last-modified'];
  return {
    sizeBytes: typeof size === 'string' ? Number(size) : null,
    modified: typeof modified === 'string' ? modified : null,
  };
}
