import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandLine, environmentOf, pidsNow } from '../../main/adapters/processes/proc.ts';
import { vmaEndpoints } from '../../shared/contract/vma/all.ts';
import { testSignal } from '../fixtures/daemon-process.ts';
import { sendRaw } from '../fixtures/raw-request.ts';
import { startSlowTarget } from '../fixtures/slow-target.ts';
import { newJob, vmaGround } from '../fixtures/vma-ground.ts';
import { diskIn } from '../fixtures/vma-process.ts';

const mib = 1024 ** 2;
const signal = testSignal();
const ground = vmaGround();

const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );

test('neither the password of the vCenter, nor its sessions, nor the token are in a word, an environment, a log or an answer', async () => {
  const { password } = ground.lab.file().vcenter;
  const { token, url } = ground.vma;
  const slow = { name: 'slow', sizeBytes: 32 * mib, bytesPerSecond: 4 * mib };
  const target = await startSlowTarget(ground.oma.folder, slow);
  try {
    const vm = await ground.vm('efi-secure-01');
    const jobId = newJob();
    const nbd_targets = [{ disk_key: 2000, url: target.url, device_bytes: 32 * mib, extents: null }];
    await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets });
    await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'connected');
    const body = { disk_key: 2000, attempt: 1 };
    await ground.vma.call('openGate', { params: { job_id: jobId }, body }, { signal });

    // While it copies: the cookie is in a file of the reader that only this user can open, and nowhere else.
    const withCookie = filesBelow(ground.dir).filter((path) =>
      readFileSync(path, 'latin1').includes('vmware_soap_session='),
    );
    expect(withCookie.length).toBeGreaterThan(0);
    for (const path of withCookie) expect(statSync(path).mode & 0o077).toBe(0);
    const cookie = /vmware_soap_session="?([^";\s]+)/.exec(readFileSync(withCookie[0] ?? '', 'latin1'))?.[1] ?? '';
    expect(cookie.length).toBeGreaterThan(8);
    const secrets = [password, token, cookie];
    const tells = (text: string): boolean => secrets.some((secret) => text.includes(secret));
    const told = pidsNow().filter(
      (pid) =>
        pid !== process.pid && (tells(commandLine(pid).join(' ')) || tells((environmentOf(pid) ?? []).join(' '))),
    );
    expect(told).toEqual([]);

    // What goes wrong is where secrets leak: a wrong password, a session that ends, a target that vanishes.
    await ground.lab.control('POST vcenter/expire-sessions');
    await target.stop();
    await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'failed');
    const sites = await ground.vma.call('listSites', {}, { signal });
    const params = { site_id: sites.sites[0]?.site_id ?? '' };
    const wrong = ground.vma.call('changeSite', { params, body: { password: `${password}-not` } }, { signal });
    await expect(wrong).rejects.toMatchObject({ code: 'VCENTER_AUTH' });
    const headers = { authorization: `Bearer ${token}`, 'ossea-protocol': '1' };
    const paths = Object.values(vmaEndpoints)
      .filter(({ method }) => method === 'GET')
      .map(({ path }) => path.replace(':job_id', jobId).replace(':vm_id', vm.vm_id));
    for (const path of [...paths, '/api/v1/openapi.json']) {
      const { text } = await sendRaw(url, path, { headers });
      expect(tells(text), path).toBe(false);
    }
    const holding = (secret: string): string[] =>
      filesBelow(ground.dir)
        .filter((path) => readFileSync(path, 'latin1').includes(secret))
        .map((path) => path.slice(ground.dir.length + 1));
    expect(holding(password)).toEqual([]);
    expect(holding(token).sort()).toEqual(['endpoint.json', 'token']);
    expect(holding(cookie)).toEqual([]);
  } finally {
    await target.stop();
  }
});
