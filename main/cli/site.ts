import { readFileSync } from 'node:fs';
import { type Client, createClient } from '../../shared/client/client.ts';
import type { ConnectionStep, Site } from '../../shared/contract/sites.ts';
import { AppError } from '../../shared/errors.ts';
import { connect } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { ask, askSecretly } from './ask.ts';
import { exitCodes } from './exit-codes.ts';
import { requireDataDir } from './serve.ts';
import type { Surroundings } from './surroundings.ts';

export const clientOf = (args: Arguments, around: Surroundings): Client =>
  createClient(connect(requireDataDir(args, around.env)).transport);

type Kind = Site['kind'];
type Verb = (args: Arguments, around: Surroundings) => Promise<number>;

/** `ossea site list`, `ossea vma list`: the vCenters or the VMAs, and how fresh their lists are. */
export const siteList =
  (kind: Kind): Verb =>
  async (args, around) => {
    const sites = await sitesOf(clientOf(args, around), kind, around);
    around.out(args.json ? `${JSON.stringify({ sites })}\n` : sites.map((site) => `${lineOf(site)}\n`).join(''));
    return exitCodes.done;
  };

async function sitesOf(client: Client, kind: Kind, around: Surroundings): Promise<Site[]> {
  const { sites } = await client.call('listSites', {}, around);
  return sites.filter((site) => site.kind === kind);
}

export const lineOf = (site: Site): string => {
  const state = site.error === null ? site.state : `${site.state} (${site.error.code})`;
  return [site.name.padEnd(20), state.padEnd(12), String(site.vm_count).padStart(6), 'VMs ', site.url].join(' ');
};

/** `ossea site add NAME --url URL --user USER`: shows the certificate, and adds the site once it is accepted. */
export async function siteAdd(args: Arguments, around: Surroundings): Promise<number> {
  const name = args.words[2];
  const { url, user } = args;
  if (name === undefined || url === null || user === null)
    throw new AppError('INVALID_REQUEST', 'ossea site add takes a name, --url and --user.');
  const client = clientOf(args, around);
  const shown = await client.call('readSiteCertificate', { body: { url } }, around);
  around.err(
    `The vCenter shows this certificate:\n  SHA-256  ${shown.sha256}\n  subject  ${shown.subject}\n  issuer   ${shown.issuer}\n  valid    ${shown.valid_from} to ${shown.valid_to}\n`,
  );
  await accept(args, around, shown.sha256);
  const password = await secretFrom(args.passwordFile, 'Password', around);
  const body = { name, url, username: user, password, certificate_sha256: shown.sha256 };
  const site = await client.call('addSite', { body }, around);
  around.out(args.json ? `${JSON.stringify(site)}\n` : `${lineOf(site)}\n`);
  return exitCodes.done;
}

/** Consent is a word of a person, or the fingerprint itself: never a switch that believes anything. */
async function accept(args: Arguments, around: Surroundings, shown: string): Promise<void> {
  if (args.accept !== null) {
    if (args.accept.replaceAll(':', '').toLowerCase() === shown) return;
    throw new AppError('VCENTER_CERTIFICATE_CHANGED', `--accept names ${args.accept}, shown is ${shown}.`);
  }
  const answer = await ask('Is it the one that the vCenter itself shows? Type yes to accept it: ', around);
  if (answer !== 'yes') throw new AppError('CANCELLED', 'The certificate was not accepted; nothing was added.');
}

/** A secret is never an argument: it is typed, or lies in a file. */
export async function secretFrom(path: string | null, what: string, around: Surroundings): Promise<string> {
  const secret =
    path === null ? await askSecretly(`${what}: `, around) : readFileSync(path === '-' ? 0 : path, 'utf8').trimEnd();
  if (secret === '') throw new AppError('INVALID_REQUEST', `The ${what.toLowerCase()} is empty.`);
  return secret;
}

type Named = { readonly kind: Kind; readonly wanted: string | undefined };

async function siteNamed(client: Client, { kind, wanted }: Named, around: Surroundings): Promise<Site> {
  const sites = await sitesOf(client, kind, around);
  const site = sites.find(({ name, site_id: id }) => name === wanted || id === wanted);
  const what = kind === 'vma' ? 'VMA' : 'vCenter';
  if (site === undefined) throw new AppError('NOT_FOUND', `There is no ${what} ${wanted ?? ''}.`);
  return site;
}

/** `ossea site test NAME`, `ossea vma test NAME`: each step of the connection; ends with 1 when one failed. */
export const siteTest =
  (kind: Kind): Verb =>
  async (args, around) => {
    const client = clientOf(args, around);
    const site = await siteNamed(client, { kind, wanted: args.words[2] }, around);
    const tested = await client.call('testSite', { params: { site_id: site.site_id } }, around);
    around.out(args.json ? `${JSON.stringify(tested)}\n` : tested.steps.map(stepLines).join(''));
    return tested.ok ? exitCodes.done : exitCodes.notCompleted;
  };

function stepLines({ step, target, ok, seconds, detail, error }: ConnectionStep): string {
  const mark = ok === null ? 'unknown' : ok ? 'ok' : 'FAILED';
  const cause =
    error === null ? '' : `         ${error.code}: ${error.cause ?? error.error}\n         ${error.remedy}\n`;
  return `${mark.padEnd(8)} ${step.padEnd(12)} ${target.padEnd(40)} ${seconds.toFixed(2).padStart(6)} s  ${detail}\n${cause}`;
}

/** `ossea site remove NAME`, `ossea vma remove NAME`: forgets it and its secret. */
export const siteRemove =
  (kind: Kind): Verb =>
  async (args, around) => {
    const client = clientOf(args, around);
    const site = await siteNamed(client, { kind, wanted: args.words[2] }, around);
    const removed = await client.call('removeSite', { params: { site_id: site.site_id } }, around);
    around.out(args.json ? `${JSON.stringify(removed)}\n` : `${site.name} is removed.\n`);
    return exitCodes.done;
  };
