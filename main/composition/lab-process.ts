import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Programs } from './programs.ts';
import { type Supervised, superviseProcess } from './supervised-process.ts';

const labFile = z.object({
  url: z.string(),
  api_key: z.string(),
  secret_key: z.string(),
  oma_vm_id: z.string(),
  zone_id: z.string(),
  disk_offering_id: z.string(),
  host_root: z.string(),
  vms_dir: z.string(),
  pid: z.int(),
  control_token: z.string(),
  vcenter: z.object({
    url: z.string(),
    username: z.string(),
    password: z.string(),
    certificate_sha256: z.string(),
  }),
});
export type LabFile = z.infer<typeof labFile>;

export type LabProcess = Supervised<LabFile>;

type Options = { readonly dir: string; readonly programs: Programs; readonly clock: Clock; readonly log: Log };

/** The demo environment is a process of its own, reached only by what its file says. */
export const superviseLab = ({ dir, ...options }: Options): Promise<LabProcess> =>
  superviseProcess({
    ...options,
    name: 'The demo environment',
    words: ['lab', 'serve', '--dir', dir],
    logPath: join(dir, 'lab.log'),
    read: () => readLabFile(dir),
    ask: (file) => ({ url: new URL('/lab/v1/state', file.url), token: file.control_token }),
  });

function readLabFile(dir: string): LabFile | null {
  try {
    return labFile.parse(JSON.parse(readFileSync(join(dir, 'lab.json'), 'utf8')));
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
}
