const MIB = 1024 * 1024;

export type DiskContent =
  | { readonly kind: 'scattered'; readonly bytes: number; readonly count: number; readonly bootSector?: true }
  | { readonly kind: 'ext4'; readonly label: string; readonly files: readonly (readonly [string, number])[] };

export type DiskPlan = {
  /** Name of the file below images/. */
  readonly file: string;
  readonly format: 'raw' | 'qcow2';
  readonly sizeBytes: number;
  readonly content: DiskContent;
};

export type VmPlan = {
  readonly name: string;
  readonly cpuCount: number;
  readonly memoryMib: number;
  readonly firmware: 'bios' | 'efi';
  readonly guestOs: string;
  readonly powerState: 'on' | 'off';
  readonly disks: readonly DiskPlan[];
};

const scattered = (file: string, sizeBytes: number, [bytes, count]: readonly [number, number]): DiskPlan => ({
  file,
  format: 'raw',
  sizeBytes,
  content: { kind: 'scattered', bytes, count },
});

/** The VMs of the demo environment: each stands for a case that a migration must get right. */
export const vmPlans: readonly VmPlan[] = [
  {
    name: 'pgtest2',
    cpuCount: 2,
    memoryMib: 4096,
    firmware: 'bios',
    guestOs: 'debian12_64Guest',
    powerState: 'off',
    disks: [
      {
        file: 'pgtest2-disk1.raw',
        format: 'raw',
        sizeBytes: 128 * MIB,
        content: {
          kind: 'ext4',
          label: 'pgtest2',
          files: [
            ['etc/hostname', 8],
            ['etc/fstab', 512],
            ['boot/vmlinuz', 7 * MIB + 321],
            ['boot/initrd.img', 11 * MIB + 77],
            ['var/lib/postgresql/base/16384/2619', 8 * MIB],
            ['var/lib/postgresql/base/16384/2620', 6 * MIB + 8192],
            ['var/lib/postgresql/pg_wal/000000010000000000000001', 4 * MIB],
            ['var/log/syslog', 123_457],
          ],
        },
      },
    ],
  },
  {
    name: 'PGWINTESTBIOS',
    cpuCount: 4,
    memoryMib: 8192,
    firmware: 'bios',
    guestOs: 'windows2019srv_64Guest',
    powerState: 'off',
    disks: [
      {
        file: 'PGWINTESTBIOS-disk1.raw',
        format: 'raw',
        sizeBytes: 192 * MIB,
        content: { kind: 'scattered', bytes: 88 * MIB, count: 24, bootSector: true },
      },
      {
        file: 'PGWINTESTBIOS-disk2.qcow2',
        format: 'qcow2',
        sizeBytes: 96 * MIB,
        content: { kind: 'scattered', bytes: 32 * MIB, count: 16 },
      },
    ],
  },
  {
    // Three disks of one size: only their identity tells them apart.
    name: 'db-01',
    cpuCount: 4,
    memoryMib: 16_384,
    firmware: 'efi',
    guestOs: 'debian12_64Guest',
    powerState: 'off',
    disks: [
      {
        file: 'db-01-disk1.raw',
        format: 'raw',
        sizeBytes: 128 * MIB,
        content: {
          kind: 'ext4',
          label: 'db-01',
          files: [
            ['etc/hostname', 6],
            ['boot/vmlinuz', 7 * MIB + 511],
            ['srv/db/table.ibd', 16 * MIB],
            ['srv/db/redo.0', 5 * MIB],
          ],
        },
      },
      scattered('db-01-disk2.raw', 128 * MIB, [60 * MIB, 20]),
      scattered('db-01-disk3.raw', 128 * MIB, [40 * MIB, 40]),
    ],
  },
  {
    // A multiple of 512 but not of 4096.
    name: 'odd-01',
    cpuCount: 1,
    memoryMib: 1024,
    firmware: 'bios',
    guestOs: 'otherLinux64Guest',
    powerState: 'off',
    disks: [scattered('odd-01-disk1.raw', 64 * MIB + 512, [24 * MIB, 12])],
  },
  {
    // Mostly holes.
    name: 'big-01',
    cpuCount: 2,
    memoryMib: 2048,
    firmware: 'efi',
    guestOs: 'otherLinux64Guest',
    powerState: 'off',
    disks: [scattered('big-01-disk1.raw', 4096 * MIB, [60 * MIB, 60])],
  },
];
