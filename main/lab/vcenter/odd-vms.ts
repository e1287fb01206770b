import { plainDisk, plainNic, plainVm, type VmController, type VmDisk, type VmPlan } from './vm-plan.ts';

const scsi = (bus: number): VmController => ({
  key: 1000 + bus,
  type: 'ParaVirtualSCSIController',
  bus,
  label: `SCSI controller ${bus}`,
});

/** 15 on each of four controllers; unit 7 is the controller's own. */
const sixtyDisks: readonly VmDisk[] = Array.from({ length: 60 }, (_unused, index) => {
  const place = index % 15;
  const bus = Math.floor(index / 15);
  // Device keys are 16 a controller, as vCenter gives them out.
  const unit = place < 7 ? place : place + 1;
  return { ...plainDisk('many-disks-01', index, 1), key: 2000 + bus * 16 + unit, controllerKey: 1000 + bus, unit };
});

const shared: VmDisk = {
  ...plainDisk('cluster-shared', 0, 16),
  key: 2016,
  controllerKey: 1001,
  unit: 0,
  sharing: 'sharingMultiWriter',
  provisioning: 'eager',
  stem: 'cluster-node-a/cluster-node-a_1',
};

const node = (name: string, moref: string): VmPlan => ({
  ...plainVm(name, moref),
  controllers: [scsi(0), { ...scsi(1), type: 'VirtualLsiLogicSASController', sharedBus: 'physicalSharing' }],
  disks: [plainDisk(name, 0, 16), shared],
});

const efi = {
  firmware: 'efi',
  guestId: 'windows2019srvNext_64Guest',
  guestFullName: 'Microsoft Windows Server 2022 (64-bit)',
} as const;

/** Each stands for something that real inventories have and simple ones lack. */
export const oddVms: readonly VmPlan[] = [
  {
    ...plainVm('efi-secure-01', 'vm-120'),
    ...efi,
    secureBoot: true,
    tpm: true,
    annotation: 'Line one\nLine two <b>& "quoted"</b>',
    disks: [{ ...plainDisk('efi-secure-01', 0, 32), provisioning: 'eager' }],
    nics: [{ ...plainNic('efi-secure-01'), network: 'dvpg-prod-120' }],
  },
  {
    ...plainVm('rdm-01', 'vm-121'),
    disks: [
      plainDisk('rdm-01', 0, 16),
      { ...plainDisk('rdm-01', 1, 16), mode: 'independent_persistent', rdm: 'physicalMode' },
      { ...plainDisk('rdm-01', 2, 16), rdm: 'virtualMode' },
    ],
  },
  {
    ...plainVm('independent-01', 'vm-122'),
    disks: [
      plainDisk('independent-01', 0, 16),
      { ...plainDisk('independent-01', 1, 16), mode: 'independent_persistent' },
      { ...plainDisk('independent-01', 2, 16), mode: 'independent_nonpersistent' },
    ],
  },
  node('cluster-node-a', 'vm-123'),
  node('cluster-node-b', 'vm-124'),
  { ...plainVm('many-disks-01', 'vm-125'), controllers: [0, 1, 2, 3].map(scsi), disks: sixtyDisks },
  { ...plainVm('huge-01', 'vm-126'), disks: [plainDisk('huge-01', 0, 3 * 1024 * 1024)] },
  { ...plainVm('chain-01', 'vm-127'), snapshots: ['before patch', 'after patch', 'Größe "neu" & <alt>'] },
  {
    ...plainVm('Größe "42" O\'Brien <prod>', 'vm-128'),
    folder: 'group-v22',
    directory: "Größe 42 & O'Brien",
    fileName: 'Größe 42',
    annotation: 'Ключ 鍵 🔑',
  },
  {
    ...plainVm('web%2fapp 100%25 %5c test', 'vm-129'),
    folder: 'group-v21',
    directory: 'web_app 100% + test',
    fileName: 'web_app',
  },
  { ...plainVm('app-01', 'vm-130') },
  { ...plainVm('app-01', 'vm-131'), folder: 'group-v21', directory: 'app-01_1' },
  { ...plainVm('tmpl-debian12', 'vm-132'), folder: 'group-v3', template: true },
  { ...plainVm('vsan-01', 'vm-133'), datastore: 'vsanDatastore', directory: '5f3c8a62-10d4-77e1-9a2b-0050560a1b2c' },
  {
    ...plainVm('live-cbt-01', 'vm-134'),
    power: 'poweredOn',
    tools: 'running',
    cbt: true,
    disks: [plainDisk('live-cbt-01', 0, 64), plainDisk('live-cbt-01', 1, 32)],
    nics: [
      {
        ...plainNic('live-cbt-01'),
        network: 'dvpg-prod-120',
        addresses: ['192.0.2.34', 'fe80::250:56ff:fe00:34'],
      },
      { ...plainNic('live-cbt-01 second'), key: 4001, type: 'VirtualE1000', network: 'Backup', connected: false },
    ],
  },
  {
    ...plainVm('live-notools-01', 'vm-135'),
    power: 'poweredOn',
    tools: 'notInstalled',
    datastore: 'nfs-01',
    host: 'host-11',
    guestId: 'otherLinux64Guest',
    guestFullName: 'Other Linux (64-bit)',
  },
  { ...plainVm('encrypted-01', 'vm-136'), disks: [{ ...plainDisk('encrypted-01', 0, 16), encrypted: true }] },
  {
    ...plainVm('mixed-controllers-01', 'vm-137'),
    datastore: 'nfs-01',
    controllers: [
      { key: 31_000, type: 'VirtualNVMEController', bus: 0, label: 'NVME controller 0' },
      { key: 15_000, type: 'VirtualAHCIController', bus: 0, label: 'SATA controller 0' },
    ],
    disks: [
      { ...plainDisk('mixed-controllers-01', 0, 16), key: 32_000, controllerKey: 31_000, unit: 0 },
      { ...plainDisk('mixed-controllers-01', 1, 16), key: 16_000, controllerKey: 15_000, unit: 0 },
      { ...plainDisk('mixed-controllers-01', 2, 16), key: 3001, controllerKey: 201, unit: 0, provisioning: 'lazy' },
    ],
    nics: [{ ...plainNic('mixed-controllers-01'), type: 'VirtualE1000e' }],
  },
];
