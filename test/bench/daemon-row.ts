import { readFileSync } from 'node:fs';
import type { Operation } from '../../shared/contract/operations.ts';
import { startDaemonProcess } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { type VolumeDaemon, volumeDaemon } from '../fixtures/volume-daemon.ts';
import type { Figure, Table } from './measure.ts';
import type { Workbench } from './workbench.ts';

const title = 'the Volume Daemon on an appliance with 200 devices, a cloud without delays';
const foreignMib = 8;
const restSeconds = 30;

/** What the daemon adds to the cloud's own time, many operations at once, the API meanwhile, and the daemon at rest. */
export async function daemonRow(bench: Workbench): Promise<Table> {
  const [devices, attaches] = bench.quick ? [20, 5] : [200, 40];
  const dataDir = newDataDir();
  try {
    const daemon = await startDaemonProcess({ dataDir });
    try {
      await labDoes(dataDir, 'settings', { delay_ms: [0, 0], max_data_disks: 1000, max_volumes: 10_000 });
      for (let left = devices; left > 0; left -= 25) {
        await labDoes(dataDir, 'sentinels', { count: Math.min(25, left), size_mib: foreignMib });
      }
      const volumes = volumeDaemon(daemon, dataDir);
      const fresh = await atRest(bench, daemon.pid);
      const added = await attachTimes(bench, volumes, { dataDir, attaches });
      const at10 = await manyAtOnce(bench, volumes, 10);
      const at100 = await manyAtOnce(bench, volumes, bench.quick ? 20 : 100);
      const after = await atRest(bench, daemon.pid);
      return {
        id: 'daemon',
        title,
        figures: [added, ...at10.figures, ...at100.figures],
        ratios: [],
        notes: [
          `attach, beyond the cloud: p50 ${ms(quantile(added.seconds, 0.5))}, p95 ${ms(quantile(added.seconds, 0.95))} (aim: 100 ms), ${String(attaches)} attaches beside ${String(devices)} devices`,
          ...[at10, at100].map(({ note }) => note),
          restNote('at rest', fresh),
          restNote('at rest again after all this', after),
        ],
      };
    } finally {
      await daemon.stop();
    }
  } finally {
    removeDataDir(dataDir);
  }
}

const restNote = (when: string, { residentMib, cpuShare }: Rest): string =>
  `${when}, ${String(restSeconds)} s: ${residentMib.toFixed(0)} MiB resident (aim: 80 MB), ${(100 * cpuShare).toFixed(2)} % of a core (aim: 1 %)`;

const ms = (seconds: number): string => `${(1000 * seconds).toFixed(0)} ms`;

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

const secondsBetween = (from: string, to: string | null): number => (Date.parse(to ?? '') - Date.parse(from)) / 1000;

/** From the operation's making to its completion, less what CloudStack's own job took. */
async function attachTimes(
  bench: Workbench,
  volumes: VolumeDaemon,
  { dataDir, attaches }: { readonly dataDir: string; readonly attaches: number },
): Promise<Figure> {
  const seconds: number[] = [];
  for (let index = 0; index < attaches; index += 1) {
    bench.signal.throwIfAborted();
    const id = await volumes.newVolume();
    const operation = await volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal: bench.signal }));
    const job = (await labBooks(dataDir)).jobs.find((one) => one.command === 'attachVolume' && one.volumeId === id);
    const inCloud = job === undefined ? Number.NaN : ((job.completedAtMs ?? Number.NaN) - job.createdAtMs) / 1000;
    seconds.push(secondsBetween(operation.created_at, operation.completed_at) - inCloud);
    await volumes.done(volumes.detachVolume(id, { signal: bench.signal }));
  }
  return { name: 'attach accepted to mapping proved, less the cloud', seconds, bytes: null };
}

type Many = { readonly figures: readonly Figure[]; readonly note: string };

/** `count` operations begun together, and how long a read of the API takes while they run. */
async function manyAtOnce(bench: Workbench, volumes: VolumeDaemon, count: number): Promise<Many> {
  const { signal } = bench;
  const { disk_offering_id: offering, zone_id: zone } = volumes.site;
  const request = { name: 'bench', size: 1, disk_offering_id: offering, zone_id: zone };
  const reads: number[] = [];
  const started = performance.now();
  const running = { yes: true };
  const reading = (async () => {
    while (running.yes) {
      const from = performance.now();
      await volumes.volumesOfVm(volumes.site.oma_vm_id, { signal }).catch(() => undefined);
      reads.push((performance.now() - from) / 1000);
    }
  })();
  const begun = await Promise.all(Array.from({ length: count }, () => volumes.createVolume(request, { signal })));
  const ended: Operation[] = await Promise.all(begun.map(({ id }) => volumes.waitForCompletion(id, { signal })));
  const seconds = (performance.now() - started) / 1000;
  running.yes = false;
  await reading;
  const each = ended.map((operation) => secondsBetween(operation.created_at, operation.completed_at));
  return {
    figures: [
      { name: `one of ${String(count)} creates begun at once`, seconds: each, bytes: null },
      { name: `a read of the API meanwhile (${String(count)} running)`, seconds: reads, bytes: null },
    ],
    note: `${String(count)} creates at once: ${(count / seconds).toFixed(0)} a second; a read meanwhile p99 ${ms(quantile(reads, 0.99))}`,
  };
}

const ticksPerSecond = 100;

function usageOf(pid: number): { readonly ticks: number; readonly residentMib: number } {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
  return { ticks: Number(fields[11]) + Number(fields[12]), residentMib: Number(resident) / 1024 };
}

type Rest = { readonly residentMib: number; readonly cpuShare: number };

async function atRest({ signal }: Workbench, pid: number): Promise<Rest> {
  const before = usageOf(pid);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, restSeconds * 1000);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      },
      { once: true },
    );
  });
  const after = usageOf(pid);
  return { residentMib: after.residentMib, cpuShare: (after.ticks - before.ticks) / ticksPerSecond / restSeconds };
}
