import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Vcenter } from '../../../main/ports/vcenter.ts';
import { openVcenter, within, withVcenter } from './open-vcenter.ts';
import { type LabVcenter, startLabVcenter } from './vcenters.ts';

/** On demand only the lab fails. */
describe('a vCenter that fails in the middle', () => {
  let lab: LabVcenter;
  let vcenter: Vcenter;
  beforeAll(async () => {
    lab = await startLabVcenter({ pageSize: 5 });
    vcenter = openVcenter(lab);
  });
  afterAll(async () => {
    await vcenter.close();
    await lab.stop();
  });
  beforeEach(() => lab.control('DELETE faults'));

  const arm = (fault: string, command: string, more: object = {}): Promise<unknown> =>
    lab.control('POST faults', { fault, match: { command }, ...more });

  test.each([
    ['vc-request-lost', 'VCENTER_UNREACHABLE'],
    ['vc-http-503', 'VCENTER_UNREACHABLE'],
    ['vc-reply-cut', 'VCENTER_UNREACHABLE'],
    ['vc-garbage-reply', 'VCENTER_REPLY_INVALID'],
    ['vc-reply-truncated', 'VCENTER_REPLY_INVALID'],
    ['vc-xml-bomb', 'VCENTER_REPLY_INVALID'],
    ['vc-reply-huge', 'VCENTER_REPLY_TOO_LARGE'],
  ])('%s on the second page of a list is %s, and the next list is whole', async (fault, code) => {
    const before = await vcenter.listVms(within());
    await arm(fault, 'ContinueRetrievePropertiesEx');
    const rss = process.memoryUsage().rss;
    await expect(vcenter.listVms(within())).rejects.toMatchObject({ code });
    expect(process.memoryUsage().rss - rss).toBeLessThan(300 * 2 ** 20);
    expect(await vcenter.listVms(within())).toEqual(before);
  });

  test('a session that ends at any page: the list is whole', async () => {
    const before = await vcenter.listVms(within());
    await arm('vc-session-expired', 'ContinueRetrievePropertiesEx');
    expect(await vcenter.listVms(within())).toEqual(before);
  });

  test('sessions do not pile up: each is signed out of', async () => {
    const count = async (): Promise<unknown> => (await lab.control('GET vcenter'))['sessions'];
    const before = await count();
    for (let round = 0; round < 3; round += 1) await withVcenter(lab, (one) => one.inventory(within()));
    await arm('vc-garbage-reply', 'RetrievePropertiesEx');
    await expect(withVcenter(lab, (one) => one.listVms(within()))).rejects.toThrow();
    expect(await count()).toEqual(before);
  });

  test('privileges that are taken away: shown one by one, and named by the call that needs one', async () => {
    const vm = (await vcenter.listVms(within())).find(({ powerState }) => powerState === 'on')!;
    expect((await vcenter.privileges(within())).every(({ granted }) => granted)).toBe(true);
    const denied = ['VirtualMachine.Interact.PowerOff', 'Datastore.Browse'];
    await lab.control('POST vcenter/privileges', { denied });
    const missing = (await vcenter.privileges(within())).filter(({ granted }) => granted !== true);
    expect(missing.map(({ privilege }) => privilege).sort()).toEqual([...denied].sort());
    await expect(vcenter.powerOff(vm.moRef, within())).rejects.toMatchObject({
      code: 'VCENTER_PRIVILEGE',
      details: { privilege: 'VirtualMachine.Interact.PowerOff', object: `VirtualMachine ${vm.moRef}` },
    });
    await lab.control('POST vcenter/privileges', { denied: [] });
    expect((await vcenter.vm(vm.moRef, within())).powerState).toBe('on');
  });

  test('a guest that hangs is left on', async () => {
    const vm = (await vcenter.listVms(within())).find(({ tools }) => tools.running)!;
    await lab.control('POST faults', { fault: 'vc-shutdown-hangs' });
    await expect(vcenter.shutDownGuest(vm.moRef, { ...within(), timeoutMs: 200 })).rejects.toMatchObject({
      code: 'GUEST_STILL_ON',
    });
    expect((await vcenter.vm(vm.moRef, within())).powerState).toBe('on');
    await lab.control(`POST vcenter-vms/${vm.moRef}/tools`, { state: 'notRunning' });
    await expect(vcenter.shutDownGuest(vm.moRef, { ...within(), timeoutMs: 200 })).rejects.toMatchObject({
      code: 'VM_STATE',
    });
  });

  test('a password that was changed, then a certificate: each its own error', async () => {
    await withVcenter(lab, async (one) => {
      await one.listVms(within());
      await lab.control('POST vcenter/password', { password: 'another one' });
      await lab.endSessions();
      await expect(one.listVms(within())).rejects.toMatchObject({ code: 'VCENTER_AUTH' });
    });
    const { certificate_sha256: renewed } = await lab.control('POST vcenter/certificate');
    await expect(openVcenter({ ...lab, password: 'another one' }).listVms(within())).rejects.toMatchObject({
      code: 'VCENTER_CERTIFICATE_CHANGED',
      details: { accepted_sha256: lab.certificateSha256, shown: { sha256: renewed } },
    });
    const accepted = { ...lab, password: 'another one', certificateSha256: String(renewed) };
    expect((await withVcenter(accepted, (one) => one.listVms(within()))).length).toBeGreaterThan(5);
  });
});
