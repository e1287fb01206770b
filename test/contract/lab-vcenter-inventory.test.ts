import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  escapeXml,
  faultIn,
  firstIn,
  type LabVcenter,
  propertiesOf,
  rawSoap,
  type Soap,
  specFor,
  startLabVcenter,
  taskOf,
  textsIn,
} from '../fixtures/lab-vcenter.ts';
import { listWithGovmomi } from '../fixtures/vcsim.ts';

let vcenter: LabVcenter;
let soap: Soap;

beforeAll(async () => {
  vcenter = await startLabVcenter();
  soap = rawSoap(vcenter);
});
afterAll(() => vcenter.remove());
beforeEach(() => soap.logIn());

type Row = {
  readonly mo_ref: string;
  readonly instance_uuid: string;
  readonly name: string;
  readonly folder_path: string;
  readonly power_state: string;
  readonly is_template: boolean;
  readonly secure_boot: boolean;
  readonly tpm: boolean;
  readonly firmware: string;
  readonly annotation: string | null;
  readonly guest_addresses: readonly string[];
  readonly snapshots: readonly { readonly name: string; readonly children: readonly unknown[] }[];
  readonly disks: readonly Record<string, unknown>[];
  readonly nics: readonly Record<string, unknown>[];
};

async function listed(): Promise<Row[]> {
  const { url, username, password, certificate_sha256 } = vcenter.file().vcenter;
  return (await listWithGovmomi({ url, username, password, certificateSha256: certificate_sha256 })) as Row[];
}

const named = (rows: readonly Row[], name: string): Row => {
  const row = rows.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`${name} is not listed`);
  return row;
};

describe('a client that others wrote (govmomi) reads the inventory', () => {
  let rows: Row[];
  beforeAll(async () => {
    rows = await listed();
  });

  test('it sees the VMs of the lab with the ids and disks of their images', () => {
    for (const name of ['pgtest2', 'PGWINTESTBIOS', 'db-01', 'odd-01', 'big-01']) {
      const path = join(vcenter.file().vms_dir, `${name}.json`);
      const image = JSON.parse(readFileSync(path, 'utf8')) as {
        vm_id: string;
        disks: { key: number; label: string; unit: string }[];
      };
      const { instance_uuid, power_state, disks } = named(rows, name);
      expect([name, instance_uuid, power_state]).toEqual([name, image.vm_id, 'off']);
      expect(disks.map(({ key, label, unit }) => ({ key, label, unit }))).toEqual(
        image.disks.map(({ key, label, unit }) => ({ key, label, unit })),
      );
    }
    expect(named(rows, 'odd-01').disks[0]).toMatchObject({ capacity_bytes: 64 * 2 ** 20 + 512 });
    expect(named(rows, 'PGWINTESTBIOS').disks.map((disk) => disk['capacity_bytes'])).toEqual([
      192 * 2 ** 20,
      96 * 2 ** 20,
    ]);
  });

  test('two VMs run, all others are off', () => {
    expect(rows.filter(({ power_state }) => power_state === 'on').map(({ name }) => name)).toEqual([
      'live-cbt-01',
      'live-notools-01',
    ]);
  });

  test('it sees what is odd about the odd ones', () => {
    expect(named(rows, 'efi-secure-01')).toMatchObject({ firmware: 'efi', secure_boot: true, tpm: true });
    expect(named(rows, 'efi-secure-01').annotation).toBe('Line one\nLine two <b>& "quoted"</b>');
    expect(named(rows, 'rdm-01').disks.map(({ rdm }) => rdm)).toEqual([null, 'physical', 'virtual']);
    expect(named(rows, 'independent-01').disks.map(({ mode }) => mode)).toEqual([
      'persistent',
      'independent_persistent',
      'independent_nonpersistent',
    ]);
    expect(named(rows, 'cluster-node-a').disks[1]).toMatchObject({ sharing: 'multi_writer' });
    expect(named(rows, 'cluster-node-a').disks[1]?.['vmdk_path']).toBe(
      named(rows, 'cluster-node-b').disks[1]?.['vmdk_path'],
    );
    expect(named(rows, 'huge-01').disks[0]).toMatchObject({ capacity_bytes: 3 * 2 ** 40 });
    expect(named(rows, 'encrypted-01').disks[0]).toMatchObject({ encrypted: true });
    expect(named(rows, 'vsan-01').disks[0]).toMatchObject({ datastore: 'vsanDatastore' });
    expect(named(rows, 'tmpl-debian12')).toMatchObject({ is_template: true });
    expect(named(rows, 'mixed-controllers-01').disks.map(({ unit }) => unit)).toEqual([
      'NVMe (0:0)',
      'SATA (0:0)',
      'IDE (1:0)',
    ]);
  });

  test('60 disks lie on four controllers, each with a key of its own', () => {
    const { disks } = named(rows, 'many-disks-01');
    expect(disks).toHaveLength(60);
    expect(new Set(disks.map(({ key }) => key)).size).toBe(60);
    expect(disks[59]).toMatchObject({ label: 'Hard disk 60', unit: 'SCSI (3:15)' });
  });

  test('names keep their letters, quotes and slashes; two VMs of one name differ by folder', () => {
    expect(rows.filter(({ name }) => name === 'app-01').map(({ folder_path }) => folder_path)).toEqual([
      '/DC-Lab/vm/Production',
      '/DC-Lab/vm/Test %2f QA',
    ]);
    expect(named(rows, 'Größe "42" O\'Brien <prod>').folder_path).toBe('/DC-Lab/vm/Production/Größe & Maß');
    expect(rows.map(({ name }) => name)).toContain('web/app 100% \\ test');
  });

  test('a chain of snapshots stands on its base', () => {
    const { snapshots, disks } = named(rows, 'chain-01');
    expect(snapshots).toMatchObject([
      {
        name: 'before patch',
        children: [{ name: 'after patch', children: [{ name: 'Größe "neu" & <alt>', children: [] }] }],
      },
    ]);
    expect(disks[0]).toMatchObject({
      vmdk_path: '[vmfs-01] chain-01/chain-01-000003.vmdk',
      parent_paths: [2, 1]
        .map((number) => `[vmfs-01] chain-01/chain-01-00000${number}.vmdk`)
        .concat('[vmfs-01] chain-01/chain-01.vmdk'),
    });
  });

  test('networks are found by name or by port group, addresses of running guests are told', () => {
    expect(named(rows, 'live-cbt-01').nics).toMatchObject([
      {
        adapter: 'vmxnet3',
        network: 'dvpg-prod-120',
        network_mo_ref: 'dvportgroup-42',
        connected: true,
        guest_addresses: ['192.0.2.34', 'fe80::250:56ff:fe00:34'],
      },
      { adapter: 'e1000', network: 'Backup', network_mo_ref: 'network-41', connected: false, guest_addresses: [] },
    ]);
  });
});

test('a copy of a VM appears with an id of its own', async () => {
  await vcenter.control('POST vms/clone', { name: 'odd-01', copies: 2 });
  const copies = (await listed()).filter(({ name }) => name.startsWith('odd-01-'));
  expect(copies.map(({ name }) => name).sort()).toEqual(['odd-01-2', 'odd-01-3']);
  expect(new Set(copies.map(({ mo_ref }) => mo_ref)).size).toBe(2);
});

describe('a session', () => {
  const login = (userName: string, password: string): ReturnType<Soap['call']> => {
    const stranger = rawSoap(vcenter);
    const inner = `<userName>${escapeXml(userName)}</userName><password>${escapeXml(password)}</password>`;
    return stranger.call('Login', 'SessionManager:SessionManager', inner);
  };

  test('is refused for a wrong password, and for a user without the domain', async () => {
    const { username, password } = vcenter.file().vcenter;
    expect(faultIn(await login(username, `${password}x`))).toBe('InvalidLogin');
    expect(faultIn(await login('administrator', password))).toBe('InvalidLogin');
    expect(faultIn(await login(username, password))).toBe(null);
  });

  test('is needed for everything but the content of the service', async () => {
    const stranger = rawSoap(vcenter);
    const content = await stranger.call('RetrieveServiceContent', 'ServiceInstance:ServiceInstance');
    expect(textsIn(content.xml, 'apiType')).toEqual(['VirtualCenter']);
    expect(faultIn(await stranger.call('CurrentTime', 'ServiceInstance:ServiceInstance'))).toBe('NotAuthenticated');
    await expect(propertiesOf(stranger, 'VirtualMachine:vm-101', ['name'])).rejects.toThrow('NotAuthenticated');
  });

  test('ends with logout, by the administrator, and when it is idle for too long', async () => {
    const { xml } = await soap.call('Logout', 'SessionManager:SessionManager');
    expect(xml).toContain('LogoutResponse');
    expect(faultIn(await soap.call('CurrentTime', 'ServiceInstance:ServiceInstance'))).toBe('NotAuthenticated');

    await soap.logIn();
    expect(await vcenter.control('POST vcenter/expire-sessions')).toEqual({ expired: expect.any(Number) as number });
    expect(faultIn(await soap.call('CurrentTime', 'ServiceInstance:ServiceInstance'))).toBe('NotAuthenticated');

    await soap.logIn();
    await vcenter.control('POST settings', { vc_idle_ms: 0 });
    try {
      expect(faultIn(await soap.call('CurrentTime', 'ServiceInstance:ServiceInstance'))).toBe('NotAuthenticated');
    } finally {
      await vcenter.control('POST settings', { vc_idle_ms: 1_800_000 });
    }
  });

  test('has only the privileges that were not taken away, and the fault names the missing one', async () => {
    await vcenter.control('POST vcenter/privileges', {
      denied: ['VirtualMachine.State.CreateSnapshot', 'System.Read'],
    });
    try {
      const inner = '<name>no</name><memory>false</memory><quiesce>false</quiesce>';
      const refused = await soap.call('CreateSnapshot_Task', 'VirtualMachine:vm-101', inner);
      expect([faultIn(refused), firstIn(refused.xml, 'privilegeId')]).toEqual([
        'NoPermission',
        'VirtualMachine.State.CreateSnapshot',
      ]);
      const xml = await propertiesOf(soap, 'VirtualMachine:vm-101', ['name', 'config.uuid']);
      expect(textsIn(xml, 'name')).toEqual(['name']);
      expect(textsIn(xml, 'path')).toEqual(['config.uuid']);
      const key = firstIn(await propertiesOf(soap, 'SessionManager:SessionManager', ['currentSession']), 'key');
      const asked = ['VirtualMachine.State.CreateSnapshot', 'VirtualMachine.State.RemoveSnapshot', 'No.Such'].map(
        (id) => `<privId>${id}</privId>`,
      );
      const held = await soap.call(
        'HasPrivilegeOnEntity',
        'AuthorizationManager:AuthorizationManager',
        `<entity type="Folder">group-d1</entity><sessionId>${key}</sessionId>${asked.join('')}`,
      );
      expect(textsIn(held.xml, 'returnval')).toEqual(['false', 'true', 'false']);
    } finally {
      await vcenter.control('POST vcenter/privileges', { denied: [] });
    }
  });
});

describe('a request that no good client sends', () => {
  test.each([
    ['an unknown method', () => soap.call('MakeCoffee_Task', 'VirtualMachine:vm-101'), 'MethodNotFound'],
    ['a method of another type', () => soap.call('PowerOnVM_Task', 'Folder:group-d1'), 'MethodNotFound'],
    ['an object that is not there', () => soap.call('PowerOnVM_Task', 'VirtualMachine:vm-9'), 'ManagedObjectNotFound'],
    ['an id of another type', () => soap.call('PowerOnVM_Task', 'VirtualMachine:group-d1'), 'ManagedObjectNotFound'],
    [
      'a parameter that does not exist',
      () => soap.call('PowerOffVM_Task', 'VirtualMachine:vm-101', '<force>true</force>'),
      'InvalidRequest',
    ],
    ['a missing parameter', () => soap.call('ReconfigVM_Task', 'VirtualMachine:vm-101'), 'InvalidRequest'],
    ['broken XML', () => soap.call('Logout', 'SessionManager:SessionManager', '<a></b>'), 'InvalidRequest'],
    ['entities', () => soap.call('Logout', 'SessionManager:SessionManager', '&lol;'), 'InvalidRequest'],
  ] as const)('%s is refused as vCenter does', async (_what, call, fault) => {
    const answer = await call();
    expect([answer.status, faultIn(answer)]).toEqual([500, fault]);
  });

  test('a property that nothing has is a fault, one that is unset is just not there', async () => {
    await expect(propertiesOf(soap, 'VirtualMachine:vm-101', ['config.hardware.cpus'])).rejects.toThrow(
      'InvalidProperty',
    );
    expect(textsIn(await propertiesOf(soap, 'VirtualMachine:vm-101', ['snapshot', 'name']), 'name')).toEqual(['name']);
  });
});

describe('properties of many objects', () => {
  const page = (method: string, inner: string): ReturnType<Soap['call']> =>
    soap.call(method, 'PropertyCollector:propertyCollector', inner);

  async function viewSpec(paths: string): Promise<string> {
    const made = await soap.call(
      'CreateContainerView',
      'ViewManager:ViewManager',
      '<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>',
    );
    const view = firstIn(made.xml, 'returnval');
    return `<propSet><type>VirtualMachine</type>${paths}</propSet><objectSet><obj type="ContainerView">${view}</obj><skip>true</skip><selectSet x:type="TraversalSpec"><name>all</name><type>ContainerView</type><path>view</path></selectSet></objectSet>`;
  }

  test('come in pages; each token can be used once', async () => {
    const spec = await viewSpec('<pathSet>config.instanceUuid</pathSet>');
    const first = await page(
      'RetrievePropertiesEx',
      `<specSet>${spec}</specSet><options><maxObjects>10</maxObjects></options>`,
    );
    const token = firstIn(first.xml, 'token');
    expect(textsIn(first.xml, 'obj')).toHaveLength(10);
    const second = await page('ContinueRetrievePropertiesEx', `<token>${token}</token>`);
    expect(faultIn(await page('ContinueRetrievePropertiesEx', `<token>${token}</token>`))).toBe('InvalidArgument');
    const third = await page('ContinueRetrievePropertiesEx', `<token>${firstIn(second.xml, 'token')}</token>`);
    expect(textsIn(third.xml, 'token')).toEqual([]);
    const all = [first, second, third].flatMap(({ xml }) => textsIn(xml, 'obj'));
    const whole = await page('RetrievePropertiesEx', `<specSet>${spec}</specSet><options/>`);
    expect(all).toEqual(textsIn(whole.xml, 'obj'));
    expect(new Set(all).size).toBe(all.length);
  });

  test('are limited by the server, too, and a retrieval can be given up', async () => {
    await vcenter.control('POST settings', { vc_max_objects: 4 });
    try {
      const spec = await viewSpec('<pathSet>name</pathSet>');
      const first = await page('RetrievePropertiesEx', `<specSet>${spec}</specSet><options/>`);
      expect(textsIn(first.xml, 'obj')).toHaveLength(4);
      const token = `<token>${firstIn(first.xml, 'token')}</token>`;
      expect((await page('CancelRetrievePropertiesEx', token)).status).toBe(200);
      expect(faultIn(await page('ContinueRetrievePropertiesEx', token))).toBe('InvalidArgument');
      await page('CreateFilter', `<spec>${spec}</spec><partialUpdates>false</partialUpdates>`);
      const updates = await page('WaitForUpdatesEx', '<version></version>');
      expect([firstIn(updates.xml, 'truncated'), textsIn(updates.xml, 'obj').length]).toEqual(['true', 4]);
    } finally {
      await vcenter.control('POST settings', { vc_max_objects: 500 });
    }
  });

  test('are told again when they change: truncated sets first, then only the news', async () => {
    const spec = await viewSpec('<pathSet>runtime.powerState</pathSet>');
    await page('CreateFilter', `<spec>${spec}</spec><partialUpdates>false</partialUpdates>`);
    const wait = (version: string, options: string): ReturnType<Soap['call']> =>
      page('WaitForUpdatesEx', `<version>${version}</version><options>${options}</options>`);
    const seen: string[] = [];
    let version = '';
    for (let truncated = true; truncated; ) {
      const { xml } = await wait(version, '<maxWaitSeconds>0</maxWaitSeconds><maxObjectUpdates>9</maxObjectUpdates>');
      version = firstIn(xml, 'version');
      truncated = firstIn(xml, 'truncated') === 'true';
      expect(new Set(textsIn(xml, 'kind'))).toEqual(new Set(['enter']));
      seen.push(...textsIn(xml, 'obj'));
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain('vm-122');
    expect((await wait(version, '<maxWaitSeconds>0</maxWaitSeconds>')).xml).not.toContain('returnval');

    const news = wait(version, '<maxWaitSeconds>60</maxWaitSeconds>');
    expect(await taskOf(soap, soap.call('PowerOnVM_Task', 'VirtualMachine:vm-122'))).toMatchObject({
      state: 'success',
    });
    const { xml } = await news;
    expect([textsIn(xml, 'kind'), textsIn(xml, 'obj'), textsIn(xml, 'val')]).toEqual([
      ['modify'],
      ['vm-122'],
      ['poweredOn'],
    ]);
    expect(faultIn(await wait('no version', '<maxWaitSeconds>0</maxWaitSeconds>'))).toBe('InvalidCollectorVersion');
  });

  test('a wait ends when the session ends', async () => {
    await page(
      'CreateFilter',
      `<spec>${specFor('VirtualMachine:vm-101', ['name'])}</spec><partialUpdates>false</partialUpdates>`,
    );
    const first = await page('WaitForUpdatesEx', '<version></version>');
    const waiting = page('WaitForUpdatesEx', `<version>${firstIn(first.xml, 'version')}</version>`);
    await vcenter.control('POST vcenter/expire-sessions');
    expect(faultIn(await waiting)).toBe('NotAuthenticated');
  });
});

describe('power', () => {
  const power = async (moref: string): Promise<string> =>
    firstIn(await propertiesOf(soap, `VirtualMachine:${moref}`, ['runtime.powerState']), 'val');

  test('a VM that is off cannot be switched off: the task says so', async () => {
    expect(await taskOf(soap, soap.call('PowerOffVM_Task', 'VirtualMachine:vm-103'))).toMatchObject({
      state: 'error',
      fault: 'InvalidPowerState',
    });
  });

  test('a guest shuts down in its own time, and only with tools', async () => {
    expect(faultIn(await soap.call('ShutdownGuest', 'VirtualMachine:vm-135'))).toBe('ToolsUnavailable');
    expect(faultIn(await soap.call('ShutdownGuest', 'VirtualMachine:vm-103'))).toBe('InvalidPowerState');
    await vcenter.control('POST settings', { vc_shutdown_ms: [200, 200] });
    expect((await soap.call('ShutdownGuest', 'VirtualMachine:vm-134')).status).toBe(200);
    expect(await power('vm-134')).toBe('poweredOn');
    await expect.poll(() => power('vm-134')).toBe('poweredOff');
  });

  test('what changed is still so after the lab was started again, at the same address', async () => {
    expect(await taskOf(soap, soap.call('PowerOnVM_Task', 'VirtualMachine:vm-103'))).toMatchObject({
      state: 'success',
    });
    const before = vcenter.file().vcenter;
    await vcenter.restart();
    expect(vcenter.file().vcenter).toEqual(before);
    expect(faultIn(await soap.call('CurrentTime', 'ServiceInstance:ServiceInstance'))).toBe('NotAuthenticated');
    await soap.logIn();
    expect(await power('vm-103')).toBe('poweredOn');
  });
});

test('a lab of the second format, without a vCenter, gets one', async () => {
  const path = join(vcenter.dir, 'state.json');
  const change = (): void => {
    const { vcenter: _vcenter, settings, ...old } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const kept = Object.entries(settings as object).filter(([name]) => !name.startsWith('vc_'));
    writeFileSync(path, JSON.stringify({ ...old, format: 2, settings: Object.fromEntries(kept) }));
  };
  await vcenter.restart(change);
  await soap.logIn();
  expect(await propertiesOf(soap, 'VirtualMachine:vm-103', ['runtime.powerState'])).toContain('poweredOff');
});
