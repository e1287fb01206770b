import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../shared/errors.ts';
import { noLog } from '../../../test/fixtures/no-log.ts';
import { realClock } from '../../../test/fixtures/real-clock.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeviceChange, HostAccess } from '../../ports/host-access.ts';
import type { DeviceEvents } from './device-events.ts';
import { createLocalHostAccess } from './local-host-access.ts';

const options = () => ({ signal: AbortSignal.timeout(30_000) });

/** A clock whose naps end when the test says so, and which knows how many are being taken. */
function handClock() {
  const naps = new Set<{ readonly ms: number; end(): void }>();
  let nowMs = 0;
  const clock: Clock = {
    ...realClock,
    monotonicMs: () => nowMs,
    sleep: (ms, { signal }) =>
      new Promise((resolve, reject) => {
        const nap = {
          ms,
          end: () => {
            naps.delete(nap);
            nowMs += ms;
            resolve();
          },
        };
        naps.add(nap);
        signal.addEventListener('abort', () => {
          naps.delete(nap);
          reject(signal.reason as Error);
        });
      }),
  };
  /** The nap of half a second ends, or the rest of a burst and what follows from it. */
  const tick = async () => {
    do {
      for (const nap of [...naps]) nap.end();
      await turns();
    } while ([...naps].some(({ ms }) => ms < 500));
  };
  return { clock, naps, tick };
}

/** Long enough for everything that needs no timer and no program. */
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Events that the test makes, and how many sources were begun and ended. */
function handEvents() {
  let tell: (name: string) => void = () => undefined;
  const counts = { begun: 0, ended: 0 };
  const events: DeviceEvents = {
    run: (onEvent, { signal }) =>
      new Promise((resolve) => {
        counts.begun += 1;
        tell = onEvent;
        signal.addEventListener('abort', () => {
          counts.ended += 1;
          resolve();
        });
      }),
  };
  return { events, counts, tell: (name: string) => tell(name) };
}

let root: string;
let hand: ReturnType<typeof handClock>;
let news: ReturnType<typeof handEvents>;
let host: HostAccess;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ossea-host-'));
  mkdirSync(join(root, 'proc/sys/kernel/random'), { recursive: true });
  mkdirSync(join(root, 'sys/block'), { recursive: true });
  boot('boot-1');
  hand = handClock();
  news = handEvents();
  host = createLocalHostAccess({ root, hostId: 'oma-1', clock: hand.clock, log: noLog, events: news.events });
});
afterEach(async () => {
  await host.close();
  rmSync(root, { recursive: true, force: true });
});

const boot = (bootId: string) => {
  writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), `${bootId}\n`);
};
const entry = (name: string, attributes: Readonly<Record<string, string>>) => {
  mkdirSync(join(root, 'sys/block', name), { recursive: true });
  for (const [path, value] of Object.entries(attributes)) writeFileSync(join(root, 'sys/block', name, path), value);
};
const plug = (name: string, diskseq: number, more: Readonly<Record<string, string>> = {}) => {
  entry(name, { dev: `252:${name.charCodeAt(2)}\n`, size: '2048\n', diskseq: `${diskseq}\n`, serial: name, ...more });
};
const unplug = (name: string) => {
  rmSync(join(root, 'sys/block', name), { recursive: true });
};

describe('a snapshot is what is there now', () => {
  test('whatever was seen before: a size, a serial, a holder that changed under the same sequence number', async () => {
    plug('vdb', 1);
    host.watch(() => undefined, options());
    await turns();
    plug('vdb', 1, { size: '4096\n', serial: 'other' });
    mkdirSync(join(root, 'sys/block/vdb/holders/md0'), { recursive: true });
    const { bootId, devices } = await host.snapshot(options());
    expect(bootId).toBe('boot-1');
    expect(devices).toMatchObject([{ sizeBytes: 2 * 1024 * 1024, serial: 'other', holders: ['md array md0'] }]);
  });

  test('callers of the same moment share one reading, a later caller has his own', async () => {
    plug('vdb', 1);
    const [first, second] = await Promise.all([host.snapshot(options()), host.snapshot(options())]);
    expect(second).toBe(first);
    unplug('vdb');
    expect((await host.snapshot(options())).devices).toEqual([]);
  });

  test('half an entry that stays is HOST_UNREADABLE, not a device less', async () => {
    entry('vdb', { size: '2048\n' });
    await expect(host.snapshot(options())).rejects.toMatchObject({ code: 'HOST_UNREADABLE' });
  });

  test('no boot id is HOST_UNREADABLE', async () => {
    rmSync(join(root, 'proc'), { recursive: true });
    await expect(host.snapshot(options())).rejects.toMatchObject({ code: 'HOST_UNREADABLE' });
  });

  test('the machine this runs on can be read as it is', async () => {
    const here = createLocalHostAccess({ root: '/', hostId: 'here', clock: realClock, log: noLog });
    expect((await here.snapshot(options())).bootId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('who waits for a change', () => {
  test('is told at the next tick, or at once by an event', async () => {
    let told = 0;
    const wait = () => {
      void host.changed(options()).then(() => {
        told += 1;
      });
    };
    wait();
    await turns();
    expect([told, [...hand.naps].map(({ ms }) => ms)]).toEqual([0, [500]]);
    await hand.tick();
    expect(told).toBe(1);
    wait();
    news.tell('loop7');
    await turns();
    expect(told).toBe(1);
    news.tell('vdb');
    // Two looks are never closer than a burst is long.
    await hand.tick();
    expect(told).toBe(2);
  });

  test('shares one watcher with all others; it ends with the last, and no timer is left', async () => {
    const cancels = Array.from({ length: 20 }, () => new AbortController());
    const waits = cancels.map(({ signal }) => host.changed({ signal }));
    await turns();
    expect([news.counts, hand.naps.size]).toEqual([{ begun: 1, ended: 0 }, 1]);
    for (const cancel of cancels) cancel.abort(new AppError('CANCELLED', 'by the test'));
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ code: 'CANCELLED' });
    await hand.tick();
    expect([news.counts, hand.naps.size]).toEqual([{ begun: 1, ended: 1 }, 0]);
  });

  test('may ask again at once without a new watcher, and who is done lets it end at the next tick', async () => {
    for (let round = 0; round < 3; round += 1) {
      const wait = host.changed(options());
      await turns();
      await hand.tick();
      await wait;
    }
    expect(news.counts).toEqual({ begun: 1, ended: 0 });
    await hand.tick();
    expect([news.counts, hand.naps.size]).toEqual([{ begun: 1, ended: 1 }, 0]);
  });

  test('is told when the daemon closes', async () => {
    const wait = host.changed(options());
    const refused = expect(wait).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await host.close();
    await refused;
    expect([news.counts, hand.naps.size]).toEqual([{ begun: 1, ended: 1 }, 0]);
    await expect(host.changed(options())).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});

describe('who watches', () => {
  let changes: DeviceChange[];
  let cancel: AbortController;
  beforeEach(async () => {
    changes = [];
    cancel = new AbortController();
    plug('vdb', 1);
    plug('vdc', 2);
    host.watch((change) => changes.push(change), cancel);
    await turns();
    await hand.tick();
  });
  const names = () =>
    changes.splice(0).map(({ previousBootId, added, removed, changed }) => ({
      previousBootId,
      added: added.map(({ name }) => name),
      removed: removed.map(({ name }) => name),
      changed: changed.map(({ was, is }) => `${is.name} ${was.serial}>${is.serial} ${was.sizeBytes}>${is.sizeBytes}`),
    }));
  const nothing = { previousBootId: 'boot-1', added: [], removed: [], changed: [] };

  test('first has what is there, then only what differs', async () => {
    expect(names()).toEqual([{ ...nothing, previousBootId: null, added: ['vdb', 'vdc'] }]);
    await hand.tick();
    expect(names()).toEqual([]);
    unplug('vdb');
    plug('vdd', 3);
    plug('vdc', 4, { serial: 'another' });
    await hand.tick();
    expect(names()).toEqual([
      { ...nothing, added: ['vdd'], removed: ['vdb'], changed: ['vdc vdc>another 1048576>1048576'] },
    ]);
  });

  test('sees a resize with its event: the sequence number stays the same', async () => {
    names();
    plug('vdb', 1, { size: '4096\n' });
    news.tell('vdb');
    await turns();
    await hand.tick();
    expect(names()).toEqual([{ ...nothing, changed: ['vdb vdb>vdb 1048576>2097152'] }]);
  });

  test('on an old kernel sees another disk by its number and size', async () => {
    names();
    entry('xvdb', { dev: '202:16\n', size: '2048\n' });
    await hand.tick();
    expect(names()).toMatchObject([{ added: ['xvdb'] }]);
    entry('xvdb', { size: '4096\n' });
    await hand.tick();
    expect(names()).toMatchObject([{ changed: ['xvdb > 1048576>2097152'] }]);
  });

  test('after a boot has everything as gone and come, also what kept its name and number', async () => {
    names();
    boot('boot-2');
    await hand.tick();
    expect(names()).toEqual([{ ...nothing, added: ['vdb', 'vdc'], removed: ['vdb', 'vdc'] }]);
  });

  test('hears nothing while the tree cannot be read, and then what changed meanwhile', async () => {
    names();
    boot('');
    unplug('vdc');
    await hand.tick();
    expect(names()).toEqual([]);
    boot('boot-1');
    await hand.tick();
    expect(names()).toEqual([{ ...nothing, removed: ['vdc'] }]);
  });

  test('is independent of others: a later one begins with everything, and one that left hears no more', async () => {
    names();
    const later: DeviceChange[] = [];
    host.watch((change) => later.push(change), options());
    await turns();
    await hand.tick();
    expect(later.map(({ added }) => added.length)).toEqual([2]);
    cancel.abort(new AppError('CANCELLED'));
    unplug('vdb');
    await hand.tick();
    expect(names()).toEqual([]);
    expect(later.map(({ removed }) => removed.length)).toEqual([0, 1]);
  });

  test('and leaves as the last: no timer, no monitor', async () => {
    cancel.abort(new AppError('CANCELLED'));
    await turns();
    await hand.tick();
    expect([news.counts, hand.naps.size]).toEqual([{ begun: 1, ended: 1 }, 0]);
  });
});
