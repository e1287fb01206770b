import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createVcenter } from '../../main/adapters/vsphere/vcenter.ts';
import { noLog } from '../fixtures/no-log.ts';
import { realClock } from '../fixtures/real-clock.ts';
import { listWithGovmomi, startVcsim, type VcenterAccess } from '../fixtures/vcsim.ts';
import { interleave, type Table, timeRatio } from './measure.ts';
import { mib, type Workbench } from './workbench.ts';

const [ours, peer] = ['our client, in this process', 'a program on govmomi, with its start and its JSON'];

/** The whole specification of every VM of a vCenter that others wrote, by our client and by govmomi in turns. */
export async function vcenterRow(bench: Workbench): Promise<Table> {
  const vms = bench.quick ? 200 : 5_000;
  const vcsim = await startVcsim({ vms });
  const looks: Look[] = [];
  try {
    const contenders = [
      {
        name: ours,
        run: async () => {
          const look = await listOnce(vcsim, { vms, signal: bench.signal });
          looks.push(look);
          return look.seconds;
        },
      },
      {
        name: peer,
        run: async () => {
          const from = performance.now();
          const listed = await listWithGovmomi(vcsim);
          if (listed.length !== vms) throw new Error(`govmomi lists ${listed.length} VMs`);
          return (performance.now() - from) / 1000;
        },
      },
    ];
    const figures = await interleave(contenders, { ...bench, bytes: null });
    const firstRows = {
      name: 'our client: until the first rows',
      seconds: looks.map((one) => one.firstRows),
      bytes: null,
    };
    const worst = (read: (look: Look) => number): string => Math.max(...looks.map(read)).toFixed(0);
    return {
      id: 'vcenter',
      title: `${vms} VMs of vcsim, all of their specification`,
      figures: [...figures, firstRows],
      ratios: timeRatio(figures, { ours, peer, aim: '1.0 or less' }),
      notes: [
        `our client: worst gap of the event loop ${worst((look) => look.gapMs)} ms, resident memory grew by at most ${worst((look) => look.grownMib)} MiB`,
      ],
    };
  } finally {
    await vcsim.stop();
  }
}

type Look = { readonly seconds: number; readonly firstRows: number; readonly gapMs: number; readonly grownMib: number };

async function listOnce(
  { password, ...access }: VcenterAccess,
  { vms, signal }: { readonly vms: number; readonly signal: AbortSignal },
): Promise<Look> {
  const vcenter = createVcenter({ ...access, password: () => Promise.resolve(password), clock: realClock, log: noLog });
  const resident = (): number => process.memoryUsage.rss() / mib;
  const before = resident();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, resident());
  }, 20);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const from = performance.now();
  let rows = 0;
  let firstRows = Number.NaN;
  try {
    await vcenter.vms(
      (page) => {
        if (rows === 0) firstRows = (performance.now() - from) / 1000;
        rows += page.length;
      },
      { signal },
    );
    const seconds = (performance.now() - from) / 1000;
    if (rows !== vms) throw new Error(`our client lists ${rows} VMs`);
    return { seconds, firstRows, gapMs: delays.max / 1e6, grownMib: most - before };
  } finally {
    delays.disable();
    clearInterval(watch);
    await vcenter.close();
  }
}
