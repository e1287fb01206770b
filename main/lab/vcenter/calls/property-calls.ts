import { randomUUID } from 'node:crypto';
import type { VcenterContext } from '../context.ts';
import { worldOf } from '../objects/world.ts';
import {
  type Collector,
  contents,
  createCollector,
  filterRef,
  goOn,
  retrieve,
  takeToken,
} from '../property/collector.ts';
import { type FilterSpec, readFilterSpec } from '../property/filter-spec.ts';
import { selectObjects } from '../property/select.ts';
import { seenAt, updatesSince } from '../property/updates.ts';
import type { Session } from '../sessions.ts';
import { type Arguments, fieldsOf } from '../soap/envelope.ts';
import { ref, type Value, written } from '../soap/value.ts';
import { invalidArgument, invalidRequest, notAuthenticated, objectNotFound, VimFault } from '../soap/vim-fault.ts';
import type { Asked, Calls, ClosedCall, OpenCall } from './call.ts';

const COLLECTOR = 'PropertyCollector';

/** The collector of the session, or one that it has made besides. */
function collectorOf(session: Session, id: string): Collector {
  const known = session.collectors.get(id);
  if (known !== undefined) return known;
  const collector = createCollector(id);
  session.collectors.set(id, collector);
  return collector;
}

const mine = ({ session, self }: Asked): Collector => collectorOf(session, self.ref.id);

const specsOf = (args: Arguments): FilterSpec[] => args.many('specSet').map(readFilterSpec);

/** The smaller of what the client asks for and what the server gives at once. */
function atMost({ store }: VcenterContext, asked: number | undefined, name: string): number {
  if (asked !== undefined && asked < 1) throw invalidArgument(`options.${name}`);
  const policy = store.state.settings.vc_max_objects;
  return Math.min(asked ?? Infinity, policy === 0 ? Infinity : policy);
}

const optionsOf = (args: Arguments): Arguments => fieldsOf(args.one('options')?.children ?? []);

/** A stranger may read the service instance; anything else asks for a session first. */
function requireSession(session: Session | null, specs: readonly FilterSpec[]): void {
  const [first] = specs.flatMap(({ objects }) => objects).filter(({ object }) => object.type !== 'ServiceInstance');
  if (session === null && first !== undefined) throw notAuthenticated(first.object);
}

export const openPropertyCalls: Calls<OpenCall> = {
  /** The older call knows no pages. */
  RetrieveProperties: {
    on: COLLECTOR,
    takes: ['specSet!'],
    anonymous: true,
    answer: (_context, { args, world, session }) => {
      const specs = specsOf(args);
      requireSession(session, specs);
      const wanted = specs.flatMap((spec) => selectObjects(world, spec).map((object) => [spec, object.ref] as const));
      return written(contents('returnval', world, wanted));
    },
  },
  RetrievePropertiesEx: {
    on: COLLECTOR,
    takes: ['specSet!', 'options!'],
    anonymous: true,
    answer: (context, { args, world, session, self }) => {
      const specs = specsOf(args);
      requireSession(session, specs);
      const collector = session === null ? createCollector('') : collectorOf(session, self.ref.id);
      return retrieve(collector, world, {
        specs,
        pageSize: atMost(context, optionsOf(args).whole('maxObjects'), 'maxObjects'),
      });
    },
  },
};

export const propertyCalls: Calls<ClosedCall> = {
  ContinueRetrievePropertiesEx: {
    on: COLLECTOR,
    takes: ['token!'],
    answer: (_context, asked) => goOn(mine(asked), asked.world, asked.args.text('token') ?? ''),
  },
  CancelRetrievePropertiesEx: {
    on: COLLECTOR,
    takes: ['token!'],
    answer: (_context, asked) => {
      takeToken(mine(asked), asked.args.text('token') ?? '');
      return undefined;
    },
  },
  CreatePropertyCollector: {
    on: COLLECTOR,
    takes: [],
    answer: (_context, { session }) => {
      const { id } = collectorOf(session, `session[${session.key}]${randomUUID()}`);
      return ref(COLLECTOR, id);
    },
  },
  DestroyPropertyCollector: {
    on: COLLECTOR,
    takes: [],
    answer: ({ changes }, asked) => {
      const collector = mine(asked);
      collector.cancel.abort();
      asked.session.collectors.delete(collector.id);
      changes.notify();
      return undefined;
    },
  },
  CreateFilter: {
    on: COLLECTOR,
    takes: ['spec!', 'partialUpdates!'],
    answer: ({ changes }, asked) => {
      const element = asked.args.one('spec');
      if (element === undefined) throw invalidRequest('Required parameter spec is missing.');
      const spec = readFilterSpec(element);
      // What it leads to must be there now, not only at the first update.
      selectObjects(asked.world, spec);
      const id = `session[${asked.session.key}]${randomUUID()}`;
      mine(asked).filters.set(id, spec);
      changes.notify();
      return filterRef(id);
    },
  },
  DestroyPropertyFilter: {
    on: 'PropertyFilter',
    takes: [],
    answer: ({ changes }, { session, self }) => {
      for (const collector of session.collectors.values()) collector.filters.delete(self.ref.id);
      changes.notify();
      return undefined;
    },
  },
  WaitForUpdatesEx: { on: COLLECTOR, takes: ['version', 'options'], answer: waitForUpdates },
  CancelWaitForUpdates: {
    on: COLLECTOR,
    takes: [],
    answer: (_context, asked) => {
      const collector = mine(asked);
      collector.cancel.abort();
      collector.cancel = new AbortController();
      return undefined;
    },
  },
};

/** A timer for longer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Ends with news, when the time is over, when it is cancelled, or with the session. */
async function waitForUpdates(context: VcenterContext, asked: Asked): Promise<Value | undefined> {
  const { changes, sessions } = context;
  const { session, args, self, signal } = asked;
  const collector = mine(asked);
  const options = optionsOf(args);
  const maxWaitSeconds = options.whole('maxWaitSeconds');
  const most = atMost(context, options.whole('maxObjectUpdates'), 'maxObjectUpdates');
  if ((maxWaitSeconds ?? 0) < 0) throw invalidArgument('options.maxWaitSeconds');
  const seen = seenAt(collector, args.text('version')?.trim() ?? '');
  const { cancel } = collector;
  const over = new AbortController();
  const end = (): void => over.abort();
  const timer =
    maxWaitSeconds === undefined ? null : setTimeout(end, Math.min(maxWaitSeconds * 1000, LONGEST_TIMER_MS));
  cancel.signal.addEventListener('abort', end);
  signal.addEventListener('abort', end);
  session.waiting += 1;
  try {
    for (;;) {
      const count = changes.count();
      if (!sessions.isOpen(session)) throw notAuthenticated(self.ref);
      if (cancel.signal.aborted) throw new VimFault('RequestCanceled', 'The task was canceled by a user.');
      const world = worldOf(context, session);
      if (world.find(self.ref) === undefined) throw objectNotFound(self.ref);
      const updates = updatesSince(collector, world, { seen, most });
      if (updates !== null) return updates;
      if (over.signal.aborted || maxWaitSeconds === 0) return undefined;
      await changes.after(count, over.signal);
    }
  } finally {
    session.waiting -= 1;
    session.idleSince = performance.now();
    if (timer !== null) clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}
