import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectionSteps } from '../../../main/adapters/vsphere/connection-steps.ts';
import { freePort } from '../../../main/composition/free-port.ts';
import type { ConnectionStep } from '../../../main/ports/vcenter.ts';
import { noLog } from '../../fixtures/no-log.ts';
import { realClock } from '../../fixtures/real-clock.ts';
import type { VcenterAccess } from '../../fixtures/vcsim.ts';
import { within } from './open-vcenter.ts';
import { type RunningVcenter, siteOf, vcenters } from './vcenters.ts';

describe.each(vcenters)('each step of the connection to $name', ({ start }) => {
  let vcenter: RunningVcenter;
  beforeAll(async () => {
    vcenter = await start();
  });
  afterAll(() => vcenter.stop());

  async function steps(access: VcenterAccess, diskPort?: number): Promise<ConnectionStep[]> {
    const options = { ...siteOf(access), clock: realClock, log: noLog };
    const port = diskPort === undefined ? {} : { diskPort };
    const all: ConnectionStep[] = [];
    for await (const step of connectionSteps(options, { ...within(), ...port })) all.push(step);
    return all;
  }
  const brief = (all: readonly ConnectionStep[]): unknown[] =>
    all.map(({ step, ok, error }) => [step, ok, error?.code ?? null]);

  test('every step says what it found; a host that answers at its address only has a name that is not resolved', async () => {
    // Hosts of the tests have no port 902, and names that nobody resolves: an open port at their address stands for it.
    const host = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(host, 'listening');
    const all = await steps(vcenter, (host.address() as AddressInfo).port);
    host.close();
    const kinds = [...new Set(all.map(({ step }) => step))];
    expect(kinds).toEqual(['dns', 'tcp_443', 'certificate', 'login', 'privilege', 'clock', 'tcp_902']);
    expect(all.filter(({ step }) => step !== 'tcp_902').every(({ ok }) => ok)).toBe(true);
    const hosts = all.filter(({ step }) => step === 'tcp_902');
    expect(hosts.every(({ error }) => /though 127.0.0.1:\d+ is open: .* resolve/.test(error?.cause ?? ''))).toBe(true);
    expect(all.every(({ detail, seconds }) => detail !== '' && seconds >= 0)).toBe(true);
    const privileges = all.filter(({ step }) => step === 'privilege').map(({ target }) => target);
    expect(privileges).toContain('VirtualMachine.State.CreateSnapshot');
    expect(new Set(privileges).size).toBe(privileges.length);
  });

  test('a host whose port 902 is closed is named; the others are tried all the same', async () => {
    const all = (await steps(vcenter, await freePort())).filter(({ step }) => step === 'tcp_902');
    expect(all.length).toBeGreaterThan(0);
    expect(all.every(({ ok, error }) => ok === false && error?.code === 'VCENTER_UNREACHABLE')).toBe(true);
    expect(all.some(({ error }) => error?.cause?.includes('is open'))).toBe(false);
    expect(new Set(all.map(({ target }) => target)).size).toBe(all.length);
  });

  test('it ends at the first step that the next ones need', async () => {
    const { origin } = new URL(vcenter.url);
    const closed = `${origin.slice(0, origin.lastIndexOf(':'))}:${await freePort()}/sdk`;
    expect(brief(await steps({ ...vcenter, url: closed }))).toEqual([
      ['dns', true, null],
      ['tcp_443', false, 'VCENTER_UNREACHABLE'],
    ]);
    expect(brief(await steps({ ...vcenter, url: 'https://no-such-host.invalid/sdk' }))).toEqual([
      ['dns', false, 'VCENTER_UNREACHABLE'],
    ]);
    expect(brief(await steps({ ...vcenter, certificateSha256: '0'.repeat(64) })).at(-1)).toEqual([
      'certificate',
      false,
      'VCENTER_CERTIFICATE_CHANGED',
    ]);
    expect(brief(await steps({ ...vcenter, password: 'wrong' })).at(-1)).toEqual(['login', false, 'VCENTER_AUTH']);
  });
});
