import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { AppError, toErrorBody } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { ConnectionStep, PrivilegeCheck, Vcenter, VcenterHost } from '../../ports/vcenter.ts';
import { withinLimit } from '../processes/within-limit.ts';
import { certificateChange, readCertificate } from './certificate.ts';
import { endpointOf } from './endpoint.ts';
import { unreachable } from './unreachable.ts';
import { createVcenter, type VsphereOptions } from './vcenter.ts';

const lookupMs = 10_000;
const connectMs = 5_000;
const toleratedSkewMs = 60_000;
/** Hosts hand out the disks of running VMs there. */
const diskPort = 902;

type Named = Pick<ConnectionStep, 'step' | 'target'>;
type Outcome = Pick<ConnectionStep, 'ok' | 'detail'>;

/**
 * Everything that a migration will need, one thing after the other, so that what is wrong is named exactly. Ends at the
 * first step without which the next ones have no meaning. Nothing is changed on the vCenter.
 */
export async function* connectionSteps(
  options: VsphereOptions,
  { signal, diskPort: port = diskPort }: Signalled & { readonly diskPort?: number },
): AsyncGenerator<ConnectionStep, void> {
  const { url, certificateSha256, clock } = options;
  const timed = timedBy(clock, signal);
  const endpoint = endpointOf(url);
  const reach: readonly (readonly [Named, () => Promise<Outcome>])[] = [
    [{ step: 'dns', target: endpoint.host }, () => resolveName(endpoint.host, { clock, signal })],
    [
      { step: 'tcp_443', target: `${endpoint.host}:${endpoint.port}` },
      () => openPort(endpoint.host, { port: endpoint.port, clock, signal }),
    ],
    [
      { step: 'certificate', target: endpoint.host },
      async () => {
        const seen = await readCertificate(url, { clock, signal });
        const change = certificateChange(seen, certificateSha256);
        if (change !== null) throw change;
        return { ok: true, detail: `${seen.sha256}, ${seen.subject}, valid until ${seen.validTo}` };
      },
    ],
  ];
  for (const [named, work] of reach) {
    const done = await timed(named, work);
    yield done;
    if (done.ok !== true) return;
  }
  const vcenter = createVcenter(options);
  try {
    yield* signedInSteps(vcenter, { options, port, timed, signal });
  } finally {
    await vcenter.close();
  }
}

type Timed = (named: Named, work: () => Promise<Outcome>) => Promise<ConnectionStep>;

const timedBy =
  (clock: Clock, signal: AbortSignal): Timed =>
  async (named, work) => {
    const from = clock.monotonicMs();
    const seconds = (): number => (clock.monotonicMs() - from) / 1000;
    try {
      return { ...named, ...(await work()), seconds: seconds(), error: null };
    } catch (error) {
      signal.throwIfAborted();
      // Only what the catalogue explains is an outcome; a bug stays one.
      if (!(error instanceof AppError)) throw error;
      return { ...named, ok: false, seconds: seconds(), detail: error.message, error: toErrorBody(error) };
    }
  };

type SignedIn = Signalled & { readonly options: VsphereOptions; readonly port: number; readonly timed: Timed };

async function* signedInSteps(
  vcenter: Vcenter,
  { options: { username, clock }, port, timed, signal }: SignedIn,
): AsyncGenerator<ConnectionStep, void> {
  const login = await timed({ step: 'login', target: username }, async () => {
    await vcenter.sessionCookie({ signal });
    const { fullName, apiVersion } = await vcenter.about({ signal });
    return { ok: true, detail: `${fullName}, API ${apiVersion}` };
  });
  yield login;
  if (login.ok !== true) return;

  yield* privilegeSteps(vcenter, { timed, signal });
  yield await timed({ step: 'clock', target: 'vCenter' }, async () => {
    const skewMs = await vcenter.clockSkewMs({ signal });
    const detail = `${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`;
    return { ok: Math.abs(skewMs) <= toleratedSkewMs, detail };
  });
  yield* hostSteps(vcenter, { port, clock, timed, signal });
}

async function* hostSteps(
  vcenter: Vcenter,
  { port, clock, timed, signal }: Signalled & { readonly port: number; readonly clock: Clock; readonly timed: Timed },
): AsyncGenerator<ConnectionStep, void> {
  let hosts: readonly VcenterHost[] = [];
  const asked = await timed({ step: 'tcp_902', target: 'all hosts' }, async () => {
    ({ hosts } = await vcenter.inventory({ signal }));
    return { ok: true, detail: '' };
  });
  if (asked.ok !== true) yield asked;
  for (const host of hosts) {
    yield await timed({ step: 'tcp_902', target: host.name }, () => openHost(host, { port, clock, signal }));
  }
}

/**
 * By the name that vCenter knows it by: that is what vCenter sends readers of disks to. A host that answers at its
 * address only is of no use to them, but the address tells what is wrong.
 */
async function openHost(
  { name, addresses }: VcenterHost,
  reaching: Reaching & { readonly port: number },
): Promise<Outcome> {
  try {
    return await openPort(name, reaching);
  } catch (error) {
    const [address] = addresses;
    if (!(error instanceof AppError) || address === undefined) throw error;
    const open = await openPort(address, reaching).catch(() => null);
    if (open === null) throw error;
    const reason = `${error.reason ?? name}, though ${open.detail}: let this machine resolve the name.`;
    throw new AppError(error.code, reason, { host: name, address }, { cause: error });
  }
}

/** Asked for together, shown one by one. */
async function* privilegeSteps(
  vcenter: Vcenter,
  { timed, signal }: Signalled & { readonly timed: Timed },
): AsyncGenerator<ConnectionStep, void> {
  let checks: readonly PrivilegeCheck[] = [];
  const asked = await timed({ step: 'privilege', target: 'all' }, async () => {
    checks = await vcenter.privileges({ signal });
    return { ok: true, detail: '' };
  });
  if (asked.ok !== true) yield asked;
  for (const { privilege, neededFor, object, granted } of checks) {
    const verdict = granted === null ? 'this vCenter cannot be asked' : granted ? 'granted' : 'missing';
    yield {
      step: 'privilege',
      target: privilege,
      ok: granted,
      seconds: asked.seconds / checks.length,
      detail: `${verdict} on ${object}; needed for ${neededFor}`,
      error: null,
    };
  }
}

type Reaching = Signalled & { readonly clock: Clock };

async function resolveName(host: string, { clock, signal }: Reaching): Promise<Outcome> {
  const found = await withinLimit({ clock, signal, timeoutMs: lookupMs, code: 'VCENTER_UNREACHABLE' }, () =>
    lookup(host, { all: true }),
  ).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error instanceof AppError ? error : unreachable(host, error);
  });
  return { ok: true, detail: found.map(({ address }) => address).join(', ') };
}

async function openPort(host: string, { port, clock, signal }: Reaching & { readonly port: number }): Promise<Outcome> {
  return withinLimit({ clock, signal, timeoutMs: connectMs, code: 'VCENTER_UNREACHABLE' }, (limit) => {
    const socket = connect({ host, port });
    const stop = (): void => void socket.destroy(limit.reason as Error);
    limit.addEventListener('abort', stop, { once: true });
    return new Promise<Outcome>((resolve, reject) => {
      socket.once('connect', () => resolve({ ok: true, detail: `${socket.remoteAddress ?? host}:${port} is open` }));
      socket.once('error', (error) => reject(unreachable(`${host}:${port}`, error)));
    }).finally(() => {
      limit.removeEventListener('abort', stop);
      socket.destroy();
    });
  });
}
