import type { CallContext, HandlerInput, Handlers } from '../../shared/contract/calls.ts';
import { AppError } from '../../shared/errors.ts';
import type { SiteRow, VcenterRow, VmaRow } from '../ports/sites.ts';
import {
  passwordOf,
  requireSite,
  type SiteParts,
  siteDocument,
  tokenOf,
  vmasOf,
  withPassword,
  withToken,
} from './sites.ts';

type Change = HandlerInput<'changeSite'>['body'];

const ofVcenter = ['username', 'password', 'certificate_sha256'] as const;
const ofVma = ['url', 'token'] as const;

/** What it is reached with is tried before it is kept. */
export const changeSite =
  (parts: SiteParts): Handlers['changeSite'] =>
  async ({ params, body }, context) => {
    const row = await requireSite(parts, params.site_id);
    refuseForeign(row, body);
    return row.kind === 'vma'
      ? siteDocument(parts, await changeVma(parts, { row, body }, context))
      : siteDocument(parts, await changeVcenter(parts, { row, body }, context));
  };

function refuseForeign({ kind, name }: SiteRow, body: Change): void {
  const foreign = (kind === 'vma' ? ofVcenter : ofVma).filter((field) => body[field] !== undefined);
  if (foreign.length === 0) return;
  const what = kind === 'vma' ? 'a VMA' : 'a vCenter';
  throw new AppError('INVALID_REQUEST', `${name} is ${what}, which has no ${foreign.join(', ')} to change.`);
}

type Of<Row> = { readonly row: Row; readonly body: Change };

async function changeVcenter(
  parts: SiteParts,
  { row: old, body }: Of<VcenterRow>,
  context: CallContext,
): Promise<VcenterRow> {
  const row: VcenterRow = {
    ...old,
    username: body.username ?? old.username,
    certificateSha256: body.certificate_sha256 ?? old.certificateSha256,
  };
  const { password } = body;
  const trial =
    password === undefined ? withPassword(parts, row, context) : { ...row, password: () => Promise.resolve(password) };
  await parts.vcenters.verify(trial, context);
  const { username, certificateSha256: certificate } = row;
  const details = { username, certificate, password_changed: password !== undefined };
  await keep(parts, { row, secret: [passwordOf(row.id), password], details }, context);
  await parts.vcenters.open(row);
  return row;
}

async function changeVma(parts: SiteParts, { row: old, body }: Of<VmaRow>, context: CallContext): Promise<VmaRow> {
  const row: VmaRow = { ...old, url: body.url ?? old.url };
  const { token } = body;
  const trial =
    token === undefined ? withToken(parts, row, context) : { url: row.url, token: () => Promise.resolve(token) };
  await vmasOf(parts).verify(trial, context);
  const details = { url: row.url, token_changed: token !== undefined };
  await keep(parts, { row, secret: [tokenOf(row.id), token], details }, context);
  await vmasOf(parts).open(row);
  return row;
}

type Kept = {
  readonly row: SiteRow;
  readonly secret: readonly [name: string, value: string | undefined];
  readonly details: unknown;
};

async function keep(
  { rows, store, vault }: SiteParts,
  { row, secret: [name, value], details }: Kept,
  { signal, actor }: CallContext,
): Promise<void> {
  if (value !== undefined) await vault.put(name, value, { signal });
  await store.write(async (tx) => {
    await rows.sites.change(tx, row);
    await rows.audit.append(tx, { actor, act: 'site.change', subject: row.id, details });
  });
}
