import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { errorBody, id, instant, noBody, nothing } from './fields.ts';

const name = z.string().trim().min(1).max(100);
const url = z.url({ protocol: /^https$/ }).max(500);
const username = z.string().min(1).max(200);
const password = z.string().min(1).max(1000);
const token = z.string().min(1).max(1000);
/** In the clear only to this machine, where a tunnel begins: the token goes with every request. */
const vmaUrl = z
  .union(
    [z.url({ protocol: /^https$/ }), z.url({ protocol: /^http$/, hostname: /^(127[.]\d+[.]\d+[.]\d+|localhost)$/ })],
    { error: 'an address with https; http only to 127.0.0.1, where a tunnel begins' },
  )
  .transform((text) => text.replace(/[/]+$/, ''));
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const site = z.object({
  site_id: id,
  /** `vma`: a VMware Migration Agent, which reads the disks and sends them. */
  kind: z.enum(['vsphere', 'vma']),
  name: z.string(),
  url: z.string(),
  /** Of a vCenter; a VMA keeps the users of its vCenters to itself. */
  username: z.string().nullable(),
  certificate_sha256: z.string().nullable(),
  created_at: instant,
  /** `lost`: what is listed was seen last at `seen_at`. */
  state: z.enum(['connecting', 'live', 'lost']),
  error: errorBody.nullable(),
  seen_at: instant.nullable(),
  vm_count: z.int(),
});
export type Site = z.infer<typeof site>;

export const certificate = z.object({
  sha256: z.string(),
  subject: z.string(),
  issuer: z.string(),
  valid_from: instant,
  valid_to: instant,
});

export const connectionStep = z.object({
  step: z.enum([
    ...(['dns', 'tcp_443', 'certificate', 'login', 'privilege', 'clock', 'tcp_902'] as const),
    // Of a VMA.
    ...(['reach', 'token', 'protocol', 'sites', 'movers'] as const),
  ]),
  /** What was tried: an address, a privilege, a host. */
  target: z.string(),
  /** null: it cannot be told. */
  ok: z.boolean().nullable(),
  seconds: z.number(),
  detail: z.string(),
  error: errorBody.nullable(),
});
export type ConnectionStep = z.infer<typeof connectionStep>;

const oneSite = z.strictObject({ site_id: id });

export const listSites = endpoint({
  id: 'sites.list',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/sites',
  summary: 'The vCenters and VMAs whose VMs are listed, and how fresh each list is',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({ sites: z.array(site) }),
  errors: [],
});

export const readSiteCertificate = endpoint({
  id: 'sites.certificate',
  tag: 'OMA',
  method: 'POST',
  path: '/api/v1/sites/certificate',
  summary: 'The certificate that an address shows, for a person to compare; nothing else is sent there',
  status: 200,
  params: nothing,
  query: nothing,
  body: z.strictObject({ url }),
  reply: certificate,
  errors: ['VCENTER_UNREACHABLE', 'INVALID_REQUEST'],
});

export const addSite = endpoint({
  id: 'sites.add',
  tag: 'OMA',
  method: 'POST',
  path: '/api/v1/sites',
  summary: 'Add a vCenter, after signing in once; `certificate_sha256` is the certificate that a person accepted',
  status: 201,
  params: nothing,
  query: nothing,
  body: z.strictObject({ name, url, username, password, certificate_sha256: sha256 }),
  reply: site,
  errors: [
    'INVALID_REQUEST',
    'SITE_EXISTS',
    'VAULT_LOCKED',
    'VCENTER_AUTH',
    'VCENTER_USER_DOMAIN',
    'VCENTER_CERTIFICATE_CHANGED',
    'VCENTER_UNREACHABLE',
  ],
});

export const addVma = endpoint({
  id: 'sites.add-vma',
  tag: 'OMA',
  method: 'POST',
  path: '/api/v1/sites/vma',
  summary: 'Add a VMA, after speaking with it once; it gives no vCenter password away',
  status: 201,
  params: nothing,
  query: nothing,
  body: z.strictObject({ name, url: vmaUrl, token }),
  reply: site,
  errors: ['INVALID_REQUEST', 'SITE_EXISTS', 'VAULT_LOCKED', 'VMA_AUTH', 'VMA_UNREACHABLE', 'PROTOCOL_MISMATCH'],
});

export const changeSite = endpoint({
  id: 'sites.change',
  tag: 'OMA',
  method: 'PUT',
  path: '/api/v1/sites/:site_id',
  summary: 'Change what a vCenter or a VMA is reached with, after trying it once',
  status: 200,
  params: oneSite,
  query: nothing,
  body: z.strictObject({ username, password, certificate_sha256: sha256, url: vmaUrl, token }).partial(),
  reply: site,
  errors: [
    'INVALID_REQUEST',
    'NOT_FOUND',
    'VAULT_LOCKED',
    'VCENTER_AUTH',
    'VCENTER_CERTIFICATE_CHANGED',
    'VCENTER_UNREACHABLE',
  ],
});

export const removeSite = endpoint({
  id: 'sites.remove',
  tag: 'OMA',
  method: 'DELETE',
  path: '/api/v1/sites/:site_id',
  summary: 'Forget a vCenter or a VMA and its secret; refused while a migration from it is not finished',
  status: 200,
  params: oneSite,
  query: nothing,
  body: noBody,
  reply: z.object({ site_id: id }),
  errors: ['NOT_FOUND', 'SITE_IN_USE'],
});

export const testSite = endpoint({
  id: 'sites.test',
  tag: 'OMA',
  method: 'POST',
  path: '/api/v1/sites/:site_id/test',
  summary: 'Each step of the connection, to a vCenter as far as its hosts, to a VMA as far as its own vCenters',
  status: 200,
  params: oneSite,
  query: nothing,
  body: noBody,
  reply: z.object({ ok: z.boolean(), steps: z.array(connectionStep) }),
  errors: ['NOT_FOUND', 'VAULT_LOCKED'],
});
