// In the original, a killed run left its snapshot for good, and the next one removed whatever bore the same name.
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { rawSoap, taskOf } from '../fixtures/lab-vcenter.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { newJob, vmaGround } from '../fixtures/vma-ground.ts';
import { vmNamed } from '../fixtures/vma-process.ts';

const signal = testSignal();
const ground = vmaGround();

const freeze = async (vmId: string, id: string): Promise<string> => {
  const asked = { params: { vm_id: vmId }, body: { id, quiesce: false } };
  return (await ground.vma.call('freezeVm', asked, { signal })).snapshot;
};
const namesOn = async (vmName: string): Promise<string[]> => {
  const { vsphere } = await vmNamed(ground.vma, vmName);
  type Tree = NonNullable<typeof vsphere>['snapshots'];
  const names = (tree: Tree): string[] => tree.flatMap(({ name, children }) => [name, ...names(children)]);
  return names(vsphere?.snapshots ?? []);
};

test('kill -9 between snapshot and copy: cleanup removes ours of that job, then ours of all, and names what others took', async () => {
  const vm = await ground.vm('live-cbt-01');
  const soap = rawSoap(ground.lab);
  await soap.logIn();
  const [mine, other] = [newJob(), newJob()];
  await freeze(vm.vm_id, mine);
  // A stranger takes one with a name like ours, which is not in our ledger.
  const strangers = `ossea-${newJob()}`;
  const inner = `<name>${strangers}</name><memory>false</memory><quiesce>false</quiesce>`;
  await taskOf(soap, soap.call('CreateSnapshot_Task', `VirtualMachine:${vm.vsphere?.mo_ref ?? ''}`, inner));
  await freeze(vm.vm_id, other);
  await ground.vma.kill('SIGKILL');
  await ground.restart();
  await eventually(async () => (await namesOn('live-cbt-01')).length === 3, 'all three are listed');

  const ofJob = await ground.vma.call('cleanUpSnapshots', { body: { job_id: mine } }, { signal });
  expect(ofJob.removed).toMatchObject([{ id: mine, name: `ossea-${mine}` }]);
  expect(ofJob.left).toMatchObject([{ name: strangers, because: 'It is not one of this VMA.' }]);
  const all = await ground.vma.call('cleanUpSnapshots', { body: { all: true } }, { signal });
  expect(all.removed).toMatchObject([{ id: other }]);
  expect(all.left).toMatchObject([{ name: strangers }]);
  await eventually(async () => (await namesOn('live-cbt-01')).length === 1, 'only that of the stranger is left');
  expect(await namesOn('live-cbt-01')).toEqual([strangers]);
  expect(await ground.vma.call('cleanUpSnapshots', { body: { all: true } }, { signal })).toEqual({
    removed: [],
    left: [],
  });
});
