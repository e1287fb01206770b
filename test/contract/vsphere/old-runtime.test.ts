import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { repository, runProgram } from '../../architecture/repository.ts';
import { startVcsim } from '../../fixtures/vcsim.ts';

const electron = process.env['OSSEA_ELECTRON'] ?? join(repository, '.setup/electron/electron');

const entry = `
import { readFileSync } from 'node:fs';
import { readCertificate } from './main/adapters/vsphere/certificate.ts';
import { createVcenter } from './main/adapters/vsphere/vcenter.ts';
import { systemClock as clock } from './main/adapters/system/clock.ts';
const { signal } = new AbortController();
const { url, username, password } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const main = async () => {
  const { sha256 } = await readCertificate(url, { clock, signal });
  const site = { url, username, password: async () => password, clock, log: console };
  const vcenter = createVcenter({ ...site, certificateSha256: sha256 });
  const names = (await vcenter.listVms({ signal })).map(({ name }) => name);
  await vcenter.powerOff((await vcenter.listVms({ signal }))[0].moRef, { signal });
  await vcenter.close();
  const other = createVcenter({ ...site, certificateSha256: '0'.repeat(64) });
  const refused = await other.listVms({ signal }).catch((error) => error.code);
  await other.close();
  console.log(JSON.stringify({ names, refused, node: process.versions.node.split('.')[0] }));
};
void main();
`;

test.skipIf(!existsSync(electron))(
  'the client speaks TLS with a pinned vCenter on the Node that is inside the Electron runtime, and ends by itself',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ossea-old-runtime-'));
    const vcsim = await startVcsim();
    try {
      await build({
        stdin: { contents: entry, resolveDir: repository, sourcefile: 'entry.ts' },
        outfile: join(dir, 'bundle.cjs'),
        bundle: true,
        format: 'cjs',
        platform: 'node',
        target: 'node18',
        inject: [join(repository, 'build/old-node-shim.ts')],
        logLevel: 'silent',
      });
      await writeFile(join(dir, 'access.json'), JSON.stringify(vcsim), { mode: 0o600 });
      const argv = ['ELECTRON_RUN_AS_NODE=1', electron, join(dir, 'bundle.cjs'), join(dir, 'access.json')];
      const { code, stdout, stderr } = await runProgram('env', argv, dir);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({
        names: ['DC0_C0_RP0_VM0', 'DC0_C0_RP0_VM1'],
        refused: 'VCENTER_CERTIFICATE_CHANGED',
        node: '18',
      });
    } finally {
      await vcsim.stop();
      await rm(dir, { recursive: true, force: true });
    }
  },
);
