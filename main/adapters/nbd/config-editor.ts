import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { writeDurably } from '../processes/durable-file.ts';
import { gone } from '../processes/proc.ts';
import { linkIsCurrent, removeLink } from './export-link.ts';
import { restartServer, type ServerPlace } from './restart-server.ts';
import { type ExportSection, parseConfig, renderConfig } from './server-config.ts';
import { listeningServer } from './server-processes.ts';

type Edit =
  | { readonly kind: 'add'; readonly section: ExportSection }
  | { readonly kind: 'remove'; readonly name: string };

type Batch = { readonly edits: Edit[]; readonly done: Promise<void> };

export type ConfigEditor = {
  sections(): ExportSection[];
  /** Joins the next reload; resolves when a server runs that serves exactly the file with this edit in it. */
  apply(edit: Edit, options: Signalled): Promise<void>;
  /** Resolves when no reload runs any more. */
  idle(): Promise<void>;
};

/**
 * Serialised and coalesced (rule N1): edits that arrive while a reload runs share the next one. A reload belongs to
 * all who asked for it, so one caller's abort ends his wait and not the reload.
 */
export function createConfigEditor({
  place,
  prerunPath,
  hostAccess,
  stopped,
}: {
  readonly place: ServerPlace;
  readonly prerunPath: string;
  readonly hostAccess: HostAccess;
  readonly stopped: AbortSignal;
}): ConfigEditor {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Batch | null = null;
  let staleDropped = false;

  const sections = () => parseConfig(gone(() => readFileSync(place.configPath, 'utf8')) ?? '');

  const reload = async (edits: readonly Edit[]): Promise<void> => {
    const before = sections();
    const current = staleDropped ? before : await dropStale(before, hostAccess, stopped);
    const wanted = edits.reduce(edited, current);
    const text = renderConfig({ port: place.port, prerunPath, sections: wanted, tls: place.tls });
    const unchanged = gone(() => readFileSync(place.configPath, 'utf8')) === text;
    if (unchanged && listeningServer(place) !== null) return;
    writeDurably(place.configPath, text);
    staleDropped = true;
    await restartServer(
      place,
      wanted.map(({ name }) => name),
      { signal: stopped },
    );
  };

  const nextBatch = (): Batch => {
    const edits: Edit[] = [];
    const done = running.then(async () => {
      waiting = null;
      await reload(edits);
    });
    // The queue goes on after a failed reload; those who asked for it get the error from `done`.
    running = done.catch((error: unknown) => error);
    return { edits, done };
  };

  return {
    sections,
    apply: async (edit, { signal }) => {
      signal.throwIfAborted();
      waiting ??= nextBatch();
      waiting.edits.push(edit);
      await abandonable(waiting.done, signal);
    },
    idle: async () => {
      await running;
    },
  };
}

function edited(sections: readonly ExportSection[], edit: Edit): ExportSection[] {
  if (edit.kind === 'remove') return sections.filter(({ name }) => name !== edit.name);
  const { section } = edit;
  // In its place: a mere change of order would be a needless reload.
  if (!sections.some(({ name }) => name === section.name)) return [...sections, section];
  return sections.map((found) => (found.name === section.name ? section : found));
}

/** What an earlier daemon left in the file and no longer fits the host is not served again. */
async function dropStale(
  sections: readonly ExportSection[],
  hostAccess: HostAccess,
  signal: AbortSignal,
): Promise<ExportSection[]> {
  if (sections.length === 0) return [];
  const snapshot = await hostAccess.snapshot({ signal });
  return sections.filter(({ linkPath }) => {
    const current = linkIsCurrent(hostAccess.root, linkPath, snapshot);
    if (!current) removeLink(linkPath);
    return current;
  });
}

/** Waits for shared work until the signal fires; the work itself goes on. */
async function abandonable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const left = once(signal, 'abort', { signal: over.signal });
  // Whichever loses the race is of no interest any more: the wait is called off below.
  left.catch((reason: unknown) => reason);
  try {
    await Promise.race([work, left]);
    signal.throwIfAborted();
  } finally {
    over.abort();
  }
}
