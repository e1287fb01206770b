import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { presentMovers } from '../../main/adapters/movers/present-movers.ts';
import { findProgram } from '../../main/adapters/processes/find-program.ts';
import { readerExtents } from '../../main/adapters/processes/reader-extents.ts';
import { type SourceReader, startSourceReader } from '../../main/adapters/processes/source-reader.ts';
import type { SnapshotDisk } from '../../main/domain/vm.ts';
import type { DatastoreAccess } from '../../main/ports/datastore-access.ts';
import { testSignal } from '../fixtures/daemon-process.ts';
import { processesUsing } from '../fixtures/leftovers.ts';
import { noDatastores } from '../fixtures/no-datastores.ts';
import { realClock } from '../fixtures/real-clock.ts';

/**
 * VMware's disk library may not be given away, and nothing here can run it. So a program takes nbdkit's name that writes
 * down how it was called, and then serves a disk of memory with the real nbdkit. What is shown is the command line, where
 * the secret goes, and what is said when the library refuses; not that a VMware disk can be read.
 */
const secret = 'correct horse "battery" \'staple\' $(id)';
const disk: SnapshotDisk = {
  path: "[data store] web's/web-000001.vmdk",
  format: 'snapshot',
  siteId: 'site-1',
  vmMoRef: 'vm-16',
  snapshotMoRef: 'snapshot-42',
  diskKey: 2001,
  capacityBytes: 1024 ** 2,
  reader: 'vddk',
};

let folder: string;
let path: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ossea-vddk-'));
  path = process.env['PATH'];
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true, force: true });
});

function program(name: string, script: string): void {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  process.env['PATH'] = [bin, path].join(delimiter);
}

/** `behind`: what the real nbdkit serves in the library's stead. */
function recordingNbdkit(behind: string): void {
  const real = findProgram('nbdkit');
  program(
    'nbdkit',
    `for word in "$@"; do printf '%s\\n' "$word" >> '${folder}/argv'; done
env > '${folder}/environment'
cat <&3 > '${folder}/descriptor'
for word in "$@"; do case "$word" in --unix=*|--pidfile=*) kept="$kept $word";; esac; done
exec '${real}' --readonly --foreground $kept ${behind}`,
  );
}

const access = (): DatastoreAccess => ({
  ...noDatastores,
  enter: () => Promise.resolve(() => undefined),
  library: () =>
    Promise.resolve({
      libdir: '/opt/vmware-vix-disklib-distrib',
      host: 'vcenter.example',
      port: 443,
      username: 'reader@vsphere.local',
      thumbprint: 'AA:BB:CC',
      password: () => Promise.resolve(secret),
    }),
});

async function start(): Promise<SourceReader> {
  const run = join(folder, 'run');
  mkdirSync(run);
  const request = {
    source: disk,
    folder: run,
    logPath: join(folder, 'log'),
    clients: 4,
    clock: realClock,
    datastores: access(),
  };
  return await startSourceReader(request, { signal: testSignal() });
}

const written = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('nbdkit with VMware’s disk library', () => {
  test('is told the snapshot, trusts the accepted certificate, and gets the password by a descriptor alone', async () => {
    recordingNbdkit('memory 1M');
    const reader = await start();
    const running = processesUsing(folder).map(({ command }) => command);
    await reader.stop();
    expect(written('argv').trim().split('\n')).toEqual([
      '--readonly',
      '--foreground',
      `--unix=${reader.socketPath}`,
      `--pidfile=${join(folder, 'run/i')}`,
      'vddk',
      'libdir=/opt/vmware-vix-disklib-distrib',
      'server=vcenter.example',
      'port=443',
      'user=reader@vsphere.local',
      'password=-3',
      'thumbprint=AA:BB:CC',
      'vm=moref=vm-16',
      'snapshot=snapshot-42',
      'transports=nbdssl',
      'single-link=false',
      "file=[data store] web's/web-000001.vmdk",
    ]);
    expect(written('descriptor')).toBe(`${secret}\n`);
    expect(running).toHaveLength(1);
    for (const seen of [written('argv'), written('environment'), written('log'), ...running]) {
      expect(seen).not.toContain('battery');
    }
    expect(processesUsing(folder)).toEqual([]);
  });

  test('that cannot read the first sector is stopped, and its own words are the reason', async () => {
    recordingNbdkit('--filter=error memory 1M error-pread=EIO error-pread-rate=100%');
    const error: unknown = await start().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SOURCE_UNREADABLE', details: { path: disk.path } });
    expect(String(error)).toMatch(/first sector could not be read.*error/s);
  });

  test('tells which areas hold data, so that the rest is not read', async () => {
    recordingNbdkit(`data data='@131072 1*65536 @917504 1*32768' size=1M`);
    const extents = await readerExtents(
      { source: disk, clock: realClock, datastores: access() },
      { signal: testSignal() },
    );
    expect(extents).toEqual([
      { offset: 131_072, length: 65_536 },
      { offset: 917_504, length: 32_768 },
    ]);
    expect(processesUsing(folder)).toEqual([]);
  });

  test('that does not start says why', async () => {
    program('nbdkit', "cat <&3 >/dev/null; echo 'nbdkit: error: VixDiskLib_InitEx: bad thumbprint' >&2; exit 1");
    await expect(start()).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      reason: expect.stringContaining('VixDiskLib_InitEx: bad thumbprint') as string,
    });
  });
});

describe('what a machine can read with', () => {
  const look = (libdir: string | null = null) => presentMovers({ libdir }, { signal: testSignal() });
  const of = async (name: string, libdir: string | null = null) => {
    const { movers } = await look(libdir);
    return movers.find((mover) => mover.name === name);
  };
  const pluginThatKnows = (known: string): void => {
    const real = findProgram('nbdkit');
    program(
      'nbdkit',
      `case "$1 $2" in
'vddk --dump-plugin') echo name=vddk ;;
'vddk libdir=${known}') echo name=vddk; echo vddk_library_version=8 ;;
vddk*) echo name=vddk; echo 'nbdkit: libvixDiskLib.so.8: cannot open shared object file' >&2 ;;
*) exec '${real}' "$@" ;;
esac`,
    );
  };

  test('on a plain Debian: over HTTPS, and neither the library nor migratekit, with the words of nbdkit', async () => {
    expect(await of('folder')).toMatchObject({ available: true });
    expect(await of('vddk')).toMatchObject({
      available: false,
      because: expect.stringMatching(/vddk.*cannot open/) as string,
    });
    expect(await of('migratekit')).toMatchObject({
      available: false,
      because: expect.stringContaining('not found') as string,
    });
    expect((await look()).libdir).toBeNull();
  });

  test('the plugin without the library, with a broken one, with a good one', async () => {
    pluginThatKnows('/opt/good');
    expect(await of('vddk')).toMatchObject({
      available: false,
      because: expect.stringContaining('vddk_libdir') as string,
    });
    expect(await of('vddk', '/opt/broken')).toMatchObject({
      available: false,
      because: expect.stringContaining('libvixDiskLib.so.8: cannot open') as string,
    });
    expect(await of('vddk', '/opt/good')).toMatchObject({ available: true });
    expect((await look('/opt/good')).libdir).toBe('/opt/good');
  });

  test('a migratekit that wants the password as an argument is refused: MOVER_UNSAFE', async () => {
    program('migratekit', "echo '  --vmware-username string\n  --vmware-password string'");
    const { available, because } = (await of('migratekit'))!;
    expect(available).toBe(false);
    expect(because).toMatch(/^MOVER_UNSAFE: .*only as an argument/);
  });

  test('a migratekit that reads the password from a file is seen, and run for its help alone', async () => {
    program('migratekit', `echo "$@" >> '${folder}/calls'; echo '  --vmware-password-file string'`);
    expect(await of('migratekit')).toMatchObject({ available: true });
    expect(written('calls').trim().split('\n').sort()).toEqual(['--help', 'migrate --help']);
  });
});
