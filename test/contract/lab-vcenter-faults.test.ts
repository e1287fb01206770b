import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  faultIn,
  httpsExchange,
  type LabVcenter,
  propertiesOf,
  rawSoap,
  type Soap,
  type SoapAnswer,
  startLabVcenter,
  taskOf,
} from '../fixtures/lab-vcenter.ts';

let vcenter: LabVcenter;
let soap: Soap;

beforeAll(async () => {
  vcenter = await startLabVcenter();
  soap = rawSoap(vcenter);
});
afterAll(() => vcenter.remove());
beforeEach(async () => {
  await vcenter.control('DELETE faults');
  await soap.logIn();
});

const arm = (fault: string, more: object = {}): Promise<unknown> => vcenter.control('POST faults', { fault, ...more });
const clock = (): Promise<SoapAnswer> => soap.call('CurrentTime', 'ServiceInstance:ServiceInstance');

/** With curl, which says how an exchange ended. */
async function curl(...args: string[]): Promise<{ code: number; out: string }> {
  const { url } = vcenter.file().vcenter;
  const body =
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent></e:Body></e:Envelope>';
  const all = ['--silent', '--insecure', '--data-binary', body, ...args, url];
  return await promisify(execFile)('curl', all, { maxBuffer: 2 ** 28 }).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    (error: unknown) => ({ code: (error as { code: number }).code, out: (error as { stdout: string }).stdout }),
  );
}

describe('a reply that goes wrong', () => {
  test('is cut before the call, cut after it, or cut in the middle of what is said', async () => {
    await arm('vc-request-lost');
    await expect(clock()).rejects.toThrow();
    await arm('vc-reply-lost', { match: { command: 'Logout' } });
    expect((await clock()).status).toBe(200);
    await expect(soap.call('Logout', 'SessionManager:SessionManager')).rejects.toThrow();
    expect(faultIn(await clock())).toBe('NotAuthenticated');
    await arm('vc-reply-cut');
    // 18: a transfer that is shorter than was said.
    expect((await curl()).code).toBe(18);
  });

  test('ends early in good order: only the document tells', async () => {
    await arm('vc-reply-truncated');
    const { code, out } = await curl();
    expect([code, out.includes('RetrieveServiceContentResponse'), out.includes('</soapenv:Envelope>')]).toEqual([
      0,
      true,
      false,
    ]);
  });

  test('has 100 MB, and the lab does not hold them', async () => {
    await arm('vc-reply-huge');
    const before = process.memoryUsage().arrayBuffers;
    const { code, out } = await curl('--write-out', '%{size_download}', '--output', '/dev/null');
    expect([code, Number(out) > 100_000_000]).toEqual([0, true]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });

  test('is an XML bomb, a page of HTML, or the 503 of a proxy', async () => {
    await arm('vc-xml-bomb');
    expect((await curl()).out).toMatch(
      /<!DOCTYPE bomb \[<!ENTITY l0 "lol"><!ENTITY l1 "(&l0;){10}">.*<returnval>&l9;<\/returnval>/,
    );
    await arm('vc-garbage-reply');
    expect((await curl()).out).toContain('<html>');
    await arm('vc-http-503');
    expect((await curl('--write-out', '%{http_code}')).out).toMatch(/503$/);
  });

  test('comes late', async () => {
    await arm('vc-slow', { value: 100, match: { command: 'CurrentTime' } });
    const slow = clock();
    const answers: string[] = [];
    const first = propertiesOf(soap, 'VirtualMachine:vm-101', ['name']).then(() => answers.push('quick'));
    await Promise.all([slow.then(() => answers.push('slow')), first]);
    expect(answers).toEqual(['quick', 'slow']);
  });

  test('says that the session has expired, once', async () => {
    await arm('vc-session-expired');
    expect(faultIn(await clock())).toBe('NotAuthenticated');
    await soap.logIn();
    expect(faultIn(await clock())).toBe(null);
  });
});

describe('what an administrator does meanwhile', () => {
  test('a renewed certificate is shown to whoever connects from then on, and lab.json names it', async () => {
    const shown = async (): Promise<string> =>
      (await httpsExchange(`${new URL(vcenter.file().vcenter.url).origin}/`)).certificateSha256;
    const before = vcenter.file().vcenter;
    expect(await shown()).toBe(before.certificate_sha256);
    await vcenter.control('POST vcenter/certificate');
    const after = vcenter.file().vcenter;
    expect(after.certificate_sha256).not.toBe(before.certificate_sha256);
    expect({ ...after, certificate_sha256: '' }).toEqual({ ...before, certificate_sha256: '' });
    expect(await shown()).toBe(after.certificate_sha256);
    await vcenter.restart();
    expect(await shown()).toBe(after.certificate_sha256);
  });

  test('an old password no longer opens a session', async () => {
    const { username, password } = vcenter.file().vcenter;
    await vcenter.control('POST vcenter/password');
    const login = `<userName>${username}</userName><password>${password}</password>`;
    expect(faultIn(await rawSoap(vcenter).call('Login', 'SessionManager:SessionManager', login))).toBe('InvalidLogin');
    await soap.logIn();
    expect(faultIn(await clock())).toBe(null);
  });

  test('a task fails, or takes long; a VM is edited, and its changeVersion tells', async () => {
    await arm('vc-task-fails');
    expect(await taskOf(soap, soap.call('PowerOnVM_Task', 'VirtualMachine:vm-104'))).toMatchObject({
      state: 'error',
      fault: 'GenericVmConfigFault',
    });
    const version = (): Promise<string> => propertiesOf(soap, 'VirtualMachine:vm-104', ['config.changeVersion']);
    const before = await version();
    await vcenter.control('POST vcenter-vms/vm-104/reconfigure');
    expect(await version()).not.toBe(before);
  });

  test('a guest may not hear that it is to shut down, and hear it the next time', async () => {
    await arm('vc-shutdown-hangs');
    expect((await soap.call('ShutdownGuest', 'VirtualMachine:vm-134')).status).toBe(200);
    expect((await soap.call('ShutdownGuest', 'VirtualMachine:vm-134')).status).toBe(200);
    await expect
      .poll(() => propertiesOf(soap, 'VirtualMachine:vm-134', ['runtime.powerState']))
      .toContain('poweredOff');
  });
});

test('a request that is too large, nested too deeply or declares entities is refused in bounded memory', async () => {
  const { url } = vcenter.file().vcenter;
  const post = (body: string): ReturnType<typeof httpsExchange> => httpsExchange(url, { method: 'POST', body });
  expect((await post(`<a>${'x'.repeat(5 * 2 ** 20)}</a>`).catch(() => ({ status: 413 }))).status).toBe(413);
  expect((await post('<a>'.repeat(10_000))).body.toString()).toContain('nested too deeply');
  expect((await post('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')).body.toString()).toContain(
    'A document type is not accepted.',
  );
});
