import type { CopyContext } from './copy-disk.ts';

/** Live figures while one end is read. */
export const reportHashing =
  ({ parts, request }: CopyContext, activity: 'hash-source' | 'hash-target', bytesTotal: number) =>
  (bytes: number): void => {
    parts.progress.report({
      job_id: request.job_id,
      disk_key: request.disk.key,
      activity,
      bytes_done: bytes,
      bytes_total: bytesTotal,
      clients: 0,
    });
  };
