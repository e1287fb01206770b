import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { renderConfig } from '../../../main/adapters/nbd/server-config.ts';
import { killProcess } from '../../../main/adapters/processes/proc.ts';
import { runProgram } from '../../../main/adapters/processes/run-program.ts';
import { makePair, type NbdCertificates, openNbdCertificates } from '../../../main/adapters/tunnel/nbd-certificates.ts';
import { greetsAsNbd } from '../../../main/adapters/tunnel/nbd-greeting.ts';
import { freePort } from '../../../main/composition/free-port.ts';
import { nbdServerPath, signal } from '../../fixtures/appliance.ts';
import { MiB, sha256OfFirst, writeImage } from '../../fixtures/disk-bytes.ts';
import { eventually } from '../../fixtures/real-clock.ts';
import { nbdcopy } from '../../fixtures/tunnel-bench.ts';

const sizeBytes = 16 * MiB;
const exportName = 'migration-vol-1';

let dir: string;
let port: number;
let certificates: NbdCertificates;
let source: string;
let target: string;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-tls-'));
  port = await freePort();
  certificates = await openNbdCertificates({ dir: join(dir, 'tls'), addresses: ['127.0.0.1'] }, signal());
  [source, target] = [join(dir, 'source.img'), join(dir, 'target.img')];
  writeImage(source, sizeBytes, [[0, sizeBytes]]);
  writeImage(target, sizeBytes, []);
  writeFileSync(join(dir, 'prerun.sh'), '#!/bin/sh\nexit 0\n', { mode: 0o700 });
  const tls = { listenAddress: '127.0.0.1' as const, ...certificates.files };
  const sections = [{ name: exportName, linkPath: target }];
  writeFileSync(join(dir, 'nbd.conf'), renderConfig({ port, prerunPath: join(dir, 'prerun.sh'), sections, tls }));
  const args = ['-C', join(dir, 'nbd.conf'), '-p', join(dir, 'nbd.pid')];
  expect(await runProgram({ path: nbdServerPath(), args, cwd: '/' }, signal())).toMatchObject({ code: 0 });
  await eventually(() => greetsAsNbd(port, signal()), 'the server listens');
});
afterEach(() => {
  killProcess(Number(readFileSync(join(dir, 'nbd.pid'), 'utf8')));
  rmSync(dir, { recursive: true, force: true });
});

/** What a VMA has: a pair of its own, and the certificate of the server it was given. */
async function client(name: string): Promise<{ readonly folder: string; readonly certificate: string }> {
  const folder = join(dir, name);
  const { certificate } = await makePair({ dir: folder, base: 'client', commonName: name }, signal());
  writeFileSync(join(folder, 'ca-cert.pem'), certificates.serverCertificate);
  return { folder, certificate };
}

const send = (folder: string | null): Promise<unknown> => {
  const address = `127.0.0.1:${port}/${exportName}`;
  return nbdcopy(source, folder === null ? `nbd://${address}` : `nbds://${address}?tls-certificates=${folder}`);
};
const untouched = (): void => {
  expect(readFileSync(target).every((byte) => byte === 0)).toBe(true);
};

test('a client whose certificate is listed copies, and the copy is identical', async () => {
  const vma = await client('vma-1');
  certificates.trust('vma-1', vma.certificate);
  await send(vma.folder);
  expect(sha256OfFirst(target, sizeBytes)).toBe(sha256OfFirst(source, sizeBytes));
});

test('without TLS, without a certificate, or with one that is not listed, not a byte is taken', async () => {
  certificates.trust('vma-1', (await client('vma-1')).certificate);
  await expect(send(null)).rejects.toThrow(/requires TLS/);
  const bare = join(dir, 'bare');
  mkdirSync(bare);
  copyFileSync(certificates.files.certPath, join(bare, 'ca-cert.pem'));
  await expect(send(bare)).rejects.toThrow();
  await expect(send((await client('stranger')).folder)).rejects.toThrow();
  untouched();
});

test('nobody is let in before the first certificate is listed', async () => {
  await expect(send((await client('vma-1')).folder)).rejects.toThrow();
  untouched();
});

test('one is revoked, at once and without a reload; the other stays', async () => {
  const [one, two] = [await client('vma-1'), await client('vma-2')];
  certificates.trust('vma-1', one.certificate);
  certificates.trust('vma-2', two.certificate);
  certificates.revoke('vma-1');
  expect(certificates.trusted()).toEqual(['vma-2']);
  await expect(send(one.folder)).rejects.toThrow();
  untouched();
  await send(two.folder);
});

test('a client does not send to a server whose certificate it was not given', async () => {
  const vma = await client('vma-1');
  certificates.trust('vma-1', vma.certificate);
  const other = await makePair(
    { dir: join(dir, 'other'), base: 'server', commonName: 'ossea-nbd', addresses: ['127.0.0.1'] },
    signal(),
  );
  writeFileSync(join(vma.folder, 'ca-cert.pem'), other.certificate);
  await expect(send(vma.folder)).rejects.toThrow();
  untouched();
});

test('keys are for their owner only and are kept over a new start; an authority is not listed', async () => {
  const { keyPath } = certificates.files;
  expect(statSync(keyPath).mode & 0o777).toBe(0o600);
  const again = await openNbdCertificates({ dir: join(dir, 'tls'), addresses: ['127.0.0.1'] }, signal());
  expect(again.serverCertificate).toBe(certificates.serverCertificate);
  const ca = join(dir, 'ca.pem');
  const args = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  await runProgram(
    { path: 'openssl', args: [...args, '-subj', '/CN=ca', '-keyout', join(dir, 'k'), '-out', ca] },
    signal(),
  );
  expect(() => certificates.trust('ca', readFileSync(ca, 'utf8'))).toThrow('authority');
  expect(() => certificates.trust('x', 'nonsense')).toThrow('no certificate');
  expect(() => certificates.trust('../x', again.serverCertificate)).toThrow('No name');
});

test('another address than that of this machine cannot be written without TLS (rule N3)', () => {
  const without = renderConfig({ port, prerunPath: '/p', sections: [] });
  expect(without.match(/^listenaddr = .*$/gm)).toEqual(['listenaddr = 127.0.0.1']);
  const tls = { listenAddress: '0.0.0.0' as const, ...certificates.files };
  const over = renderConfig({ port, prerunPath: '/p', sections: [], tls });
  expect(over).toMatch(/^force_tls = true$/m);
  expect(over).toMatch(/^cacertfile = \/.*clients\.pem$/m);
});
