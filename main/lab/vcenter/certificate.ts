import { X509Certificate } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { readTextIfThere, writeFileDurably } from '../json-file.ts';
import { runProgram } from '../run-program.ts';

export type Certificate = {
  readonly key: string;
  readonly cert: string;
  /** SHA-256 of the DER certificate, 64 lowercase hex digits. */
  readonly sha256: string;
};

const placeOf = (dir: string): string => join(dir, 'certificate.pem');

/** The certificate of this lab, made at the first start. */
export async function ensureCertificate(dir: string): Promise<Certificate> {
  const text = await readTextIfThere(placeOf(dir));
  return text === null ? await renewCertificate(dir) : parse(text);
}

/** A new key and a new certificate, as when an administrator replaces it. They are one file: never halves of two. */
export async function renewCertificate(dir: string): Promise<Certificate> {
  const [key, cert] = [join(dir, 'new-key.pem'), join(dir, 'new-certificate.pem')];
  const names = [
    '-subj',
    '/CN=vcenter.lab.example/O=OSSEA lab',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const args = ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '3650', ...names];
  const end = await runProgram('openssl', args, { debianPackage: 'openssl' });
  if (end.code !== 0) throw new AppError('INTERNAL', `openssl could not make a certificate: ${end.stderr.trim()}`);
  const text = (await Promise.all([readFile(key, 'utf8'), readFile(cert, 'utf8')])).join('');
  await writeFileDurably(placeOf(dir), text, 0o600);
  await Promise.all([rm(key), rm(cert)]);
  return parse(text);
}

function parse(text: string): Certificate {
  const at = text.indexOf('-----BEGIN CERTIFICATE-----');
  const cert = text.slice(at);
  const sha256 = new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
  return { key: text.slice(0, at), cert, sha256 };
}
