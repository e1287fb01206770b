import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Vcenter, VmChanges } from '../../../main/ports/vcenter.ts';
import { fault, type Script, type SoapServer, startSoapServer } from '../../fixtures/soap-server.ts';
import { openVcenter, within } from './open-vcenter.ts';

/** What a vCenter tells those who wait, in orders and at moments that none can be made to choose. */
describe('waiting for what vCenter tells', () => {
  let server: SoapServer;
  let vcenter: Vcenter;
  beforeAll(async () => {
    server = await startSoapServer();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    vcenter = openVcenter({ ...server, username: 'u@v', password: 'p' });
    server.calls.length = 0;
    return async () => {
      server.answerWith(plain);
      await vcenter.close();
    };
  });

  const response = (method: string, inside = ''): string =>
    `<${method}Response xmlns="urn:vim25">${inside}</${method}Response>`;
  const returned = (type: string, value: string): string => `<returnval type="${type}">${value}</returnval>`;
  const plain: Script = ({ method }) => {
    if (method === 'CreateContainerView') return response(method, returned('ContainerView', 'view-1'));
    if (method === 'CreatePropertyCollector') return response(method, returned('PropertyCollector', 'own-1'));
    if (method === 'CreateFilter') return response(method, returned('PropertyFilter', 'filter-1'));
    if (/^Destroy/.test(method)) return response(method);
    return null;
  };
  const change = (name: string, val: string): string =>
    `<changeSet><name>${name}</name><op>assign</op><val>${val}</val></changeSet>`;
  const update = (ref: string, { kind = 'modify', type = 'VirtualMachine', changes = '' } = {}): string =>
    `<objectSet><kind>${kind}</kind><obj type="${type}">${ref}</obj>${changes}</objectSet>`;
  const set = (version: string, updates: string, truncated = false): string =>
    response(
      'WaitForUpdatesEx',
      `<returnval><version>${version}</version><filterSet><filter type="PropertyFilter">filter-1</filter>${updates}</filterSet><truncated>${truncated}</truncated></returnval>`,
    );
  /** These answers to WaitForUpdatesEx, then silence; everything else as `plain`, unless `more` knows better. */
  const telling = (sets: readonly string[], more: Script = () => null): void => {
    const left = [...sets];
    server.answerWith(async (call, reply) => {
      if (call.method === 'WaitForUpdatesEx') return left.shift() ?? new Promise<string>(() => undefined);
      return (await more(call, reply)) ?? plain(call, reply);
    });
  };
  const power = (state: string): string =>
    update('vm-1', { kind: 'enter', changes: change('runtime.powerState', state) });
  const versions = (): (string | undefined)[] =>
    server.calls
      .filter(({ method }) => method === 'WaitForUpdatesEx')
      .map(({ body }) => /<version>(.*?)</.exec(body)?.[1]);
  const called = (method: string): number => server.calls.filter((call) => call.method === method).length;
  const stateIs =
    (state: string): Script =>
    ({ method }) =>
      method === 'RetrievePropertiesEx'
        ? response(
            method,
            `<returnval><objects><obj type="VirtualMachine">vm-1</obj><propSet><name>runtime.powerState</name><val>${state}</val></propSet></objects></returnval>`,
          )
        : method === 'ShutdownGuest'
          ? response(method)
          : null;

  test('a guest that was asked is not off yet: only its power state says so', async () => {
    telling(
      [set('1', power('poweredOn')), response('WaitForUpdatesEx'), set('2', power('poweredOff'))],
      stateIs('poweredOn'),
    );
    await vcenter.shutDownGuest('vm-1', { ...within(), timeoutMs: 30_000 });
    expect(versions()).toEqual(['', '1', '1']);
    expect(called('DestroyPropertyCollector')).toBe(1);
  });

  test('a guest that does not go off is left as it is, never switched off by force', async () => {
    telling([set('1', power('poweredOn'))], stateIs('poweredOn'));
    await expect(vcenter.shutDownGuest('vm-1', { ...within(), timeoutMs: 50 })).rejects.toMatchObject({
      code: 'GUEST_STILL_ON',
      details: { vm: 'vm-1' },
    });
    expect(called('PowerOffVM_Task')).toBe(0);
    expect(called('DestroyPropertyCollector')).toBe(1);
  });

  test('a guest without its tools', async () => {
    telling([], (call, reply) =>
      call.method === 'ShutdownGuest' ? fault('ToolsUnavailable') : stateIs('poweredOn')(call, reply),
    );
    await expect(vcenter.shutDownGuest('vm-1', { ...within(), timeoutMs: 50 })).rejects.toMatchObject({
      code: 'VM_STATE',
      details: { fault: 'ToolsUnavailable' },
    });
  });

  const task: Script = ({ method }) => (/_Task$/.test(method) ? response(method, returned('Task', 'task-1')) : null);
  const taskTells = (told: string): string =>
    update('task-1', { kind: 'enter', type: 'Task', changes: change('info', told) });

  test('a task that fails tells why, after its progress', async () => {
    const error =
      '<fault xsi:type="GenericVmConfigFault"><reason>x</reason></fault><localizedMessage>The disk is locked.</localizedMessage>';
    telling(
      [
        set('1', taskTells('<state>running</state><progress>40</progress>')),
        set('2', taskTells(`<state>error</state><error>${error}</error>`)),
      ],
      task,
    );
    const percents: number[] = [];
    const powered = vcenter.powerOn('vm-1', { ...within(), onProgress: (percent) => percents.push(percent) });
    await expect(powered).rejects.toMatchObject({
      code: 'VCENTER_REFUSED',
      reason: 'PowerOnVM_Task: The disk is locked. (GenericVmConfigFault)',
    });
    expect(percents[0]).toBe(40);
  });

  test('a VM that is busy with another task can be asked again', async () => {
    telling([], ({ method }) => (/_Task$/.test(method) ? fault('TaskInProgress') : null));
    await expect(vcenter.powerOn('vm-1', within())).rejects.toMatchObject({ code: 'VCENTER_BUSY' });
  });

  test('a session that ends while a task runs: it is waited for in the next one, not started twice', async () => {
    telling([fault('NotAuthenticated'), set('1', taskTells('<state>success</state>'))], task);
    await vcenter.powerOn('vm-1', within());
    expect(called('PowerOnVM_Task')).toBe(1);
    expect(called('Login')).toBe(2);
  });

  test('a watch: pages, a lost place in the middle, and what went meanwhile', async () => {
    const vm = (ref: string, name: string): string => update(ref, { kind: 'enter', changes: change('name', name) });
    telling([
      set('1', vm('vm-1', 'one'), true),
      set('2', vm('vm-2', 'two')),
      set('3', update('vm-2', { changes: change('config.annotation', 'new') })),
      fault('InvalidCollectorVersion'),
      set('4', vm('vm-2', 'two')),
      set('5', update('vm-2', { kind: 'leave' })),
    ]);
    const told: unknown[] = [];
    const stop = new AbortController();
    const watch = vcenter.watchVms(
      ({ changed, gone, complete }: VmChanges) => {
        told.push([changed.map(({ name, annotation }) => `${name} ${String(annotation)}`), gone, complete]);
        if (gone.includes('vm-2')) stop.abort(new Error('all is seen'));
      },
      { signal: stop.signal },
    );
    await expect(watch).rejects.toThrow('all is seen');
    expect(told).toEqual([
      [['one null'], [], false],
      [['two null'], [], true],
      [['two new'], [], true],
      [['two null'], ['vm-1'], true],
      [[], ['vm-2'], true],
    ]);
    expect(versions().slice(0, 6)).toEqual(['', '1', '2', '3', '', '4']);
    expect([called('DestroyPropertyCollector'), called('DestroyView')]).toEqual([1, 1]);
  });

  test('a watch without a session: all properties are said to be missing, so it signs in anew', async () => {
    const missing =
      '<missingSet><path>name</path><fault><fault xsi:type="NotAuthenticated"/><localizedMessage/></fault></missingSet>';
    telling([
      set('1', update('vm-1', { kind: 'enter', changes: missing })),
      set('2', update('vm-1', { kind: 'enter', changes: change('name', 'one') })),
    ]);
    const stop = new AbortController();
    const watch = vcenter.watchVms(({ changed }) => stop.abort(new Error(changed[0]?.name)), { signal: stop.signal });
    await expect(watch).rejects.toThrow('one');
    expect(called('Login')).toBe(2);
  });
});
