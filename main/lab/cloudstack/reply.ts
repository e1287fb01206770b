import type { ApiError } from '../api-error.ts';

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** setting json.content.type of today's servers */
export const JSON_TYPE = 'application/json; charset=UTF-8';

export function success(command: string, content: unknown): Reply {
  return {
    status: 200,
    headers: { 'Content-Type': JSON_TYPE },
    body: JSON.stringify({ [`${command.toLowerCase()}response`]: content }),
  };
}

/** An empty list has neither count nor array; a page beyond the end has a count and no array. */
export function listContent(name: string, { count, items }: { count: number; items: readonly unknown[] }): object {
  if (count === 0) return {};
  return items.length === 0 ? { count } : { count, [name]: items };
}

export const errorContent = (error: ApiError): Record<string, unknown> => ({
  uuidList: [],
  errorcode: error.http,
  ...(error.csErrorCode === undefined ? {} : { cserrorcode: error.csErrorCode }),
  errortext: error.message,
});

/** `envelope` null: the command is not known, so the key names none. */
export function failure(envelope: string | null, error: ApiError): Reply {
  return {
    status: error.http,
    headers: { 'Content-Type': JSON_TYPE, 'X-Description': error.message.replace(/[^\x20-\x7e]/g, '?') },
    body: JSON.stringify({
      [envelope === null ? 'errorresponse' : `${envelope.toLowerCase()}response`]: errorContent(error),
    }),
  };
}

/** CloudStack's dates have an offset without a colon. */
export const cloudDate = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+0000`;
