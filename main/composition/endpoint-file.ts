import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const endpointFile = z.object({
  url: z.string(),
  token: z.string(),
  pid: z.int(),
  instance_id: z.string(),
  version: z.string(),
  lab: z.boolean(),
  /** What the process is that works there. */
  role: z.enum(['oma', 'vma']).default('oma'),
});
/** DIR/endpoint.json: how another process of this user reaches the daemon of a data directory. */
export type EndpointFile = z.infer<typeof endpointFile>;

const pathIn = (dataDir: string): string => join(dataDir, 'endpoint.json');

export function writeEndpoint(dataDir: string, endpoint: EndpointFile): void {
  const path = pathIn(dataDir);
  writeFileSync(`${path}.new`, `${JSON.stringify(endpoint)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function readEndpoint(dataDir: string): EndpointFile | null {
  try {
    return endpointFile.parse(JSON.parse(readFileSync(pathIn(dataDir), 'utf8')));
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
}

export function removeEndpoint(dataDir: string): void {
  rmSync(pathIn(dataDir), { force: true });
}
