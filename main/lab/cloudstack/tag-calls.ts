import { invalidParameter } from '../api-error.ts';
import { type LabJob, type LabState, liveVolumes } from '../state.ts';
import { visibleTo } from './accepts.ts';
import { type Asked, type AsyncCall, type CallContext, only, type SyncCall } from './call.ts';
import { page, parametersOf } from './parameters.ts';
import { listContent } from './reply.ts';
import { tagViews } from './volume-view.ts';

const accepts = { resourceids: 'volume[]!', resourcetype: 'string!', tags: 'map' } as const;

function accept({ store: { state } }: CallContext, { parameters }: Asked): ReturnType<typeof only> {
  const type = parameters.required('resourcetype');
  if (type.toLowerCase() !== 'volume') throw invalidParameter(`Invalid resource type ${type}`);
  for (const id of parameters.list('resourceids') ?? []) {
    const known = state.volumes.some((volume) => volume.id === id && !volume.removed);
    if (!known) throw invalidParameter(`Unable to find resource by id ${id} and type Volume`);
  }
  return only({});
}

function changeTags(state: LabState, job: LabJob): { success: true } {
  const sent = parametersOf(new Map(Object.entries(job.sent)));
  const named = sent.tags();
  for (const id of sent.list('resourceids') ?? []) {
    const volume = state.volumes.find((candidate) => candidate.id === id);
    if (volume === undefined) continue;
    volume.tags = volume.tags.filter((own) => !named.some((tag) => tag.key === own.key));
    if (job.command === 'createTags') volume.tags.push(...named);
  }
  return { success: true };
}

export const tagCalls = {
  createTags: {
    does: 'Sets tags of volumes.',
    java: 'tag.CreateTags',
    accepts,
    accept,
    act: ({ store: { state } }, job) => Promise.resolve(() => changeTags(state, job)),
  },
  deleteTags: {
    does: 'Removes tags of volumes.',
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
      const tags = visibleTo(asked, liveVolumes(state)).flatMap((volume) => tagViews(state, volume));
      const found = tags.filter((tag) =>
        (['resourceid', 'resourcetype', 'key', 'value'] as const).every(
          (field) => (asked.parameters.get(field) ?? tag[field]) === tag[field],
        ),
      );
      return listContent('tag', page(asked.parameters, found));
    },
  },
} as const satisfies Readonly<Record<string, SyncCall>>;
