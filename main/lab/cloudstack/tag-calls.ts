import { invalidParameter } from '../api-error.ts';
import { type LabJob, type LabState, type LabVm, type LabVolume, liveVolumes } from '../state.ts';
import { visibleTo } from './accepts.ts';
import { type Asked, type AsyncCall, type CallContext, only, type SyncCall } from './call.ts';
import { page, parametersOf } from './parameters.ts';
import { listContent } from './reply.ts';
import { tagViews } from './volume-view.ts';

const accepts = { resourceids: 'list!', resourcetype: 'string!', tags: 'map' } as const;

const types = { volume: 'Volume', uservm: 'UserVm' } as const;
type Type = keyof typeof types;

function typeOf(text: string): Type {
  const type = text.toLowerCase();
  if (!Object.hasOwn(types, type)) throw invalidParameter(`Invalid resource type ${text}`);
  return type as Type;
}

const taggedOf = (state: LabState, type: Type): readonly (LabVolume | LabVm)[] =>
  type === 'volume' ? liveVolumes(state) : state.vms.filter(({ removed }) => !removed);

function accept({ store: { state } }: CallContext, { parameters, caller }: Asked): ReturnType<typeof only> {
  const type = typeOf(parameters.required('resourcetype'));
  for (const id of parameters.list('resourceids') ?? []) {
    const found = taggedOf(state, type).find((one) => one.id === id);
    if (found === undefined || (caller.role !== 'admin' && found.accountId !== caller.id))
      throw invalidParameter(`Unable to find resource by id ${id} and type ${types[type]}`);
  }
  return only({});
}

function changeTags(state: LabState, job: LabJob): { success: true } {
  const sent = parametersOf(new Map(Object.entries(job.sent)));
  const named = sent.tags();
  for (const id of sent.list('resourceids') ?? []) {
    const found = taggedOf(state, typeOf(sent.required('resourcetype'))).find((one) => one.id === id);
    if (found === undefined) continue;
    found.tags = found.tags.filter((own) => !named.some((tag) => tag.key === own.key));
    if (job.command === 'createTags') found.tags.push(...named);
  }
  return { success: true };
}

export const tagCalls = {
  createTags: {
    does: 'Sets tags of volumes or VMs.',
    java: 'tag.CreateTags',
    accepts,
    accept,
    act: ({ store: { state } }, job) => Promise.resolve(() => changeTags(state, job)),
  },
  deleteTags: {
    does: 'Removes tags of volumes or VMs.',
    java: 'tag.DeleteTags',
    accepts,
    accept,
    act: ({ store: { state } }, job) => Promise.resolve(() => changeTags(state, job)),
  },
} as const satisfies Readonly<Record<string, AsyncCall>>;

export const tagAnswers = {
  listTags: {
    does: 'Lists tags.',
    accepts: {
      resourceid: 'string',
      resourcetype: 'string',
      key: 'string',
      value: 'string',
      listall: 'boolean',
      page: 'integer',
      pagesize: 'integer',
    },
    answer: ({ store: { state } }: CallContext, asked: Asked) => {
      const vms = state.vms.filter(({ removed }) => !removed);
      const tags = [
        ...visibleTo(asked, liveVolumes(state)).flatMap((volume) => tagViews(state, volume, 'Volume')),
        ...visibleTo(asked, vms).flatMap((vm) => tagViews(state, vm, 'UserVm')),
      ];
      const found = tags.filter((tag) =>
        (['resourceid', 'resourcetype', 'key', 'value'] as const).every(
          (field) => (asked.parameters.get(field) ?? tag[field]) === tag[field],
        ),
      );
      return listContent('tag', page(asked.parameters, found));
    },
  },
} as const satisfies Readonly<Record<string, SyncCall>>;
