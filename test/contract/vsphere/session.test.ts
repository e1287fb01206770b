import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../../main/adapters/vsphere/certificate.ts';
import { AppError } from '../../../shared/errors.ts';
import { realClock } from '../../fixtures/real-clock.ts';
import { selfSigned } from '../../fixtures/self-signed.ts';
import { fault, type SoapServer, startSoapServer } from '../../fixtures/soap-server.ts';
import { startVcsim } from '../../fixtures/vcsim.ts';
import { openVcenter, within, withVcenter } from './open-vcenter.ts';
import { type RunningVcenter, vcenters } from './vcenters.ts';

describe.each(vcenters)('signing in to $name', ({ start }) => {
  let vcenter: RunningVcenter;
  beforeAll(async () => {
    vcenter = await start({ vms: 30, pageSize: 7 });
  });
  afterAll(() => vcenter.stop());

  test('a wrong password is told as such, and appears nowhere', async () => {
    const password = 'correct horse battery staple';
    const error: unknown = await withVcenter({ ...vcenter, password }, (one) => one.listVms(within())).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'VCENTER_AUTH', details: { username: vcenter.username } });
    for (let one: unknown = error; one instanceof Error; one = one.cause) {
      expect(`${one.stack ?? ''} ${JSON.stringify(one)}`).not.toContain('battery');
    }
  });

  test('a user name without its domain gets the hint, not the blame on the password', async () => {
    const username = vcenter.username.split('@')[0] ?? '';
    await expect(withVcenter({ ...vcenter, username }, (one) => one.listVms(within()))).rejects.toMatchObject({
      code: 'VCENTER_USER_DOMAIN',
      details: { username },
    });
  });

  test('a vault that is locked is asked again next time', async () => {
    let isLocked = true;
    const password = (): Promise<string> =>
      isLocked ? Promise.reject(new AppError('NOT_FOUND', 'locked')) : Promise.resolve(vcenter.password);
    const one = openVcenter(vcenter, { password });
    await expect(one.listVms(within())).rejects.toThrow('locked');
    isLocked = false;
    expect((await one.listVms(within())).length).toBeGreaterThan(0);
    await one.close();
  });

  test('a session that ended is renewed, and whoever works with it notices nothing', async () => {
    await withVcenter(vcenter, async (one) => {
      const before = await one.listVms(within());
      const cookie = await one.sessionCookie(within());
      await vcenter.endSessions();
      // Several at once find out.
      const [again, alone, inventory] = await Promise.all([
        one.listVms(within()),
        one.vm(before[0]!.moRef, within()),
        one.inventory(within()),
      ]);
      expect([again, alone]).toEqual([before, before[0]]);
      expect(inventory.hosts.length).toBeGreaterThan(0);
      expect(await one.sessionCookie(within())).not.toBe(cookie);
    });
  });

  test('a session that ends between two pages: the list is made anew, none is missing and none twice', async () => {
    await withVcenter(vcenter, async (one) => {
      const before = (await one.listVms(within())).map(({ moRef }) => moRef).sort();
      const ending: Promise<void>[] = [];
      const seen: string[] = [];
      await one.vms((page) => {
        if (ending.length === 0) ending.push(vcenter.endSessions());
        seen.push(...page.map(({ moRef }) => moRef));
      }, within());
      await Promise.all(ending);
      expect([...new Set(seen)].sort()).toEqual(before);
    });
  });

  test('the certificate is read before anything is sent, and is the one that is served', async () => {
    const seen = await readCertificate(vcenter.url, { clock: realClock, ...within() });
    expect(seen.sha256).toBe(vcenter.certificateSha256);
    expect(Date.parse(seen.validFrom)).toBeLessThan(Date.parse(seen.validTo));
    expect(seen.subject).toMatch(/=/);
  });

  test('what is aborted ends with the reason of the abort', async () => {
    const reason = new AppError('CANCELLED', 'by hand');
    await withVcenter(vcenter, async (one) => {
      await expect(one.listVms({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const stop = new AbortController();
      const listed = one.vms(() => stop.abort(reason), { signal: stop.signal });
      await expect(listed).rejects.toBe(reason);
      expect((await one.listVms(within())).length).toBeGreaterThan(0);
    });
  });
});

describe('a vCenter that is replaced, gone or silent', () => {
  test('another certificate at the same address: refused with both, nothing is sent', async () => {
    const first = await startVcsim();
    const one = openVcenter(first);
    await one.listVms(within());
    await first.stop();
    const second = await startVcsim({ port: Number(new URL(first.url).port), password: first.password });
    try {
      await expect(one.listVms(within())).rejects.toMatchObject({
        code: 'VCENTER_CERTIFICATE_CHANGED',
        details: { accepted_sha256: first.certificateSha256, shown: { sha256: second.certificateSha256 } },
      });
      // The twin: accepted by a person, it works.
      const accepted = openVcenter(second);
      expect(await accepted.listVms(within())).toHaveLength(2);
      await accepted.close();
    } finally {
      await second.stop();
    }
  });

  test('not one byte of a request goes to a server with another certificate', async () => {
    const { key, cert, sha256 } = selfSigned('impostor');
    const heard: Buffer[] = [];
    const sockets = new Set<Socket>();
    const server = createTlsServer({ key, cert }, (socket) => {
      sockets.add(socket);
      socket.on('data', (bytes: Buffer) => heard.push(bytes));
      socket.on('error', () => undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/sdk`;
    const access = { url, username: 'u@v', password: 'p' };
    try {
      const one = openVcenter({ ...access, certificateSha256: '0'.repeat(64) });
      await expect(one.listVms(within())).rejects.toMatchObject({ code: 'VCENTER_CERTIFICATE_CHANGED' });
      expect(heard).toEqual([]);
      // The twin: the same server hears a request of who accepts it.
      const other = openVcenter({ ...access, certificateSha256: sha256 });
      const stop = new AbortController();
      const listing = other.listVms({ signal: stop.signal });
      const [socket] = (await once(server, 'secureConnection')) as [Socket];
      if (heard.length === 0) await once(socket, 'data');
      stop.abort(new Error('heard'));
      await expect(listing).rejects.toThrow('heard');
      expect(Buffer.concat(heard).toString()).toContain('RetrieveServiceContent');
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  test('nobody there, and a connection that is cut in the middle', async () => {
    const gone = await startVcsim();
    await gone.stop();
    await expect(openVcenter(gone).listVms(within())).rejects.toMatchObject({ code: 'VCENTER_UNREACHABLE' });
    await expect(readCertificate(gone.url, { clock: realClock, ...within() })).rejects.toMatchObject({
      code: 'VCENTER_UNREACHABLE',
    });
  });

  test('an address that is none', async () => {
    for (const url of ['http://vcenter.example/sdk', 'vcenter.example', 'https://user:pw@vcenter.example/sdk']) {
      expect(() => openVcenter({ url, username: 'u', password: 'p', certificateSha256: '' })).toThrow(
        expect.objectContaining({ code: 'INVALID_REQUEST' }),
      );
    }
  });
});

describe('a server that says what no real one can be made to say', () => {
  let server: SoapServer;
  beforeAll(async () => {
    server = await startSoapServer();
  });
  afterAll(() => server.close());
  const open = (): ReturnType<typeof openVcenter> => openVcenter({ ...server, username: 'u@v', password: 'p' });

  test('it is signed out of, whatever happened before', async () => {
    for (const script of [() => null, () => fault('RuntimeFault')]) {
      server.answerWith(({ method }) => (method === 'CurrentTime' ? script() : null));
      server.calls.length = 0;
      const one = open();
      await one.clockSkewMs(within()).catch(() => undefined);
      await one.close();
      const login = server.calls.find(({ method }) => method === 'Login');
      expect(login?.cookie).toBeNull();
      expect(server.calls.at(-1)).toMatchObject({
        method: 'Logout',
        cookie: expect.stringContaining('session') as string,
      });
    }
  });

  test('a session that ends again and again is told after one renewal', async () => {
    server.answerWith(({ method }) => (method === 'CurrentTime' ? fault('NotAuthenticated') : null));
    server.calls.length = 0;
    const one = open();
    await expect(one.clockSkewMs(within())).rejects.toMatchObject({ code: 'VCENTER_SESSION_EXPIRED' });
    expect(server.calls.filter(({ method }) => method === 'Login')).toHaveLength(2);
    await one.close();
  });

  test('a privilege that is missing is named with its object', async () => {
    const inside =
      '<object type="VirtualMachine">vm-7</object><privilegeId>VirtualMachine.Interact.PowerOff</privilegeId>';
    server.answerWith(({ method }) => (method === 'PowerOffVM_Task' ? fault('NoPermission', { inside }) : null));
    const one = open();
    await expect(one.powerOff('vm-7', within())).rejects.toMatchObject({
      code: 'VCENTER_PRIVILEGE',
      reason: 'PowerOffVM_Task needs VirtualMachine.Interact.PowerOff on VirtualMachine vm-7.',
      details: { privilege: 'VirtualMachine.Interact.PowerOff', object: 'VirtualMachine vm-7' },
    });
    await one.close();
  });

  test('the connection is cut in the middle of a reply', async () => {
    server.answerWith(({ method }, response) => {
      if (method !== 'CurrentTime') return null;
      response.writeHead(200, { 'content-length': '5000' });
      response.write('<?xml version="1.0"?><soapenv:Envelope ');
      response.once('close', () => undefined);
      response.socket?.end();
      return '';
    });
    const one = open();
    await expect(one.clockSkewMs(within())).rejects.toMatchObject({
      code: 'VCENTER_UNREACHABLE',
      details: { method: 'CurrentTime' },
    });
    server.answerWith(() => null);
    await one.close();
  });

  test.each([
    [503, 'VCENTER_UNREACHABLE'],
    [404, 'VCENTER_REPLY_INVALID'],
    [302, 'VCENTER_REPLY_INVALID'],
  ])('HTTP %i is %s', async (status, code) => {
    server.answerWith((_call, response) => {
      response.writeHead(status, { location: 'https://elsewhere.example/' }).end('no');
      return '';
    });
    await expect(open().about(within())).rejects.toMatchObject({ code, details: { http: status } });
  });

  test('it is silent: the wait ends', async () => {
    server.answerWith(({ method }) => (method === 'CurrentTime' ? new Promise(() => undefined) : null));
    const hurried = {
      ...realClock,
      sleep: (ms: number, options: { signal: AbortSignal }) => realClock.sleep(ms / 400, options),
    };
    const one = openVcenter({ ...server, username: 'u@v', password: 'p' }, { clock: hurried });
    await expect(one.clockSkewMs(within())).rejects.toMatchObject({
      code: 'VCENTER_UNREACHABLE',
      reason: 'No answer within 120 s.',
    });
    server.answerWith(() => null);
    await one.close();
  });

  test('a reply of 100 MB, over the network, in bounded memory', async () => {
    const megabyte = Buffer.alloc(2 ** 20, '<a></a>\n');
    server.answerWith(async ({ method }, response) => {
      if (method !== 'CurrentTime') return null;
      response.writeHead(200).write('<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><r>');
      // It hangs up long before the end.
      await pipeline(Readable.from(Array.from({ length: 100 }, () => megabyte)), response).catch(() => undefined);
      return '';
    });
    const before = process.memoryUsage().rss;
    const one = open();
    await expect(one.clockSkewMs(within())).rejects.toMatchObject({ code: 'VCENTER_REPLY_TOO_LARGE' });
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
    server.answerWith(() => null);
    await one.close();
  });
});
