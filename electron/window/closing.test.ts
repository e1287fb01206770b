import { describe, expect, it } from 'vitest';
import type { WindowToPage } from '../../shared/client/bridge.ts';
import { createClosing } from './closing.ts';

function openWindow(options: { readonly unfinished: number; readonly pageAlive?: boolean }) {
  const told: WindowToPage[] = [];
  let quits = 0;
  let endTimer: (() => void) | null = null;
  const closing = createClosing({
    unfinished: () => Promise.resolve(options.unfinished),
    tellPage: (message) => {
      told.push(message);
      return options.pageAlive ?? true;
    },
    quit: () => {
      quits += 1;
    },
    startTimer: (_ms, onEnd) => {
      endTimer = onEnd;
      return () => {
        endTimer = null;
      };
    },
  });
  const settle = () => new Promise((done) => setImmediate(done));
  return { closing, told, quits: () => quits, endTimer: () => endTimer?.(), settle };
}

describe('closing the window', () => {
  it('quits at once when no migration runs', async () => {
    const window = openWindow({ unfinished: 0 });
    window.closing.requested();
    await window.settle();
    expect(window.quits()).toBe(1);
    expect(window.told).toEqual([]);
  });

  it('asks when two migrations run, and keeps them when told so', async () => {
    const window = openWindow({ unfinished: 2 });
    window.closing.requested();
    await window.settle();
    expect(window.told).toEqual([{ kind: 'confirm-quit', unfinished: 2 }]);
    window.closing.asking();
    window.closing.keepRunning();
    window.endTimer();
    expect(window.quits()).toBe(0);
    expect(window.closing.isQuitting()).toBe(false);
  });

  it('waits for the person as long as it takes once the question is on the screen', async () => {
    const window = openWindow({ unfinished: 1 });
    window.closing.requested();
    await window.settle();
    window.closing.asking();
    window.endTimer();
    expect(window.quits()).toBe(0);
    window.closing.quitNow();
    expect(window.quits()).toBe(1);
  });

  it('quits at the second request', async () => {
    const window = openWindow({ unfinished: 1 });
    window.closing.requested();
    await window.settle();
    window.closing.requested();
    expect(window.quits()).toBe(1);
  });

  it('quits when the page never shows the question', async () => {
    const window = openWindow({ unfinished: 1 });
    window.closing.requested();
    await window.settle();
    window.endTimer();
    expect(window.quits()).toBe(1);
  });

  it('quits when there is no page, or it dies while asking', async () => {
    const dead = openWindow({ unfinished: 1, pageAlive: false });
    dead.closing.requested();
    await dead.settle();
    expect(dead.quits()).toBe(1);

    const dying = openWindow({ unfinished: 1 });
    dying.closing.requested();
    await dying.settle();
    dying.closing.asking();
    dying.closing.pageGone();
    expect(dying.quits()).toBe(1);
  });
});
