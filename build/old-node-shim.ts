/**
 * Loaded first in every bundle and active only below Node 20: fastify, pino and undici fail to load on the Node 18.15 of the
 * fallback Electron runtime without these three.
 */

import * as buffer from 'node:buffer';
import diagnosticsChannel from 'node:diagnostics_channel';

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  const channel = diagnosticsChannel as { tracingChannel?: unknown };
  if (channel.tracingChannel === undefined) {
    channel.tracingChannel = (require('dc-polyfill') as { tracingChannel: unknown }).tracingChannel;
  }
  const scope = globalThis as { File?: unknown };
  scope.File ??= (buffer as { File?: unknown }).File;
  const signals = AbortSignal as unknown as { any?: (signals: Iterable<AbortSignal>) => AbortSignal };
  signals.any ??= (all) => firstAborted([...all]);
}

function firstAborted(all: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: AbortSignal) => {
    controller.abort(signal.reason);
    for (const other of all) other.removeEventListener('abort', listeners.get(other) as () => void);
  };
  const listeners = new Map(all.map((signal) => [signal, () => stop(signal)]));
  for (const signal of all) {
    if (signal.aborted) {
      stop(signal);
      break;
    }
    signal.addEventListener('abort', listeners.get(signal) as () => void, { once: true });
  }
  return controller.signal;
}
