import { permissionDenied, unknownEntity } from '../api-error.ts';
import type { LabAccount, LabState } from '../state.ts';
import type { Asked } from './call.ts';

type Kind = keyof typeof entities | 'string' | 'integer' | 'boolean' | 'list' | 'map';

/** The parameters that a call knows. `!`: required. `[]`: a list. CloudStack ignores those that it does not know. */
export type Accepts = Readonly<Record<string, `${Kind}${'' | '[]'}${'' | '!'}`>>;

export type ParameterShape = { readonly kind: string; readonly required: boolean; readonly many: boolean };

export const shapeOf = (text: string): ParameterShape => ({
  kind: text.replace(/(\[\])?!?$/, ''),
  required: text.endsWith('!'),
  many: /\[\]/.test(text),
});

type Entity = { readonly id: string; readonly name?: string; readonly accountId?: string };

/** Every kind of thing that a parameter may name. Removed ones are still found: their UUIDs resolve in CloudStack, too. */
const entities = {
  volume: ({ volumes }: LabState): readonly Entity[] => volumes,
  virtualmachine: ({ vms }: LabState): readonly Entity[] => vms,
  snapshot: ({ snapshots }: LabState): readonly Entity[] => snapshots,
  zone: ({ ids }: LabState): readonly Entity[] => [{ id: ids.zone }],
  diskoffering: ({ ids }: LabState): readonly Entity[] => [{ id: ids.customOffering }, { id: ids.fixedOffering }],
  serviceoffering: ({ ids }: LabState): readonly Entity[] => [{ id: ids.computeOffering }],
  template: ({ ids }: LabState): readonly Entity[] => [{ id: ids.template }],
  network: ({ ids }: LabState): readonly Entity[] => [{ id: ids.network }],
} as const;

const isEntity = (kind: string): kind is keyof typeof entities => Object.hasOwn(entities, kind);

/** What is missing, what is no number, what names nothing, what belongs to someone else: in this order, for every call alike. */
export function checkParameters(state: LabState, { parameters, caller }: Asked, accepts: Accepts): void {
  const shapes = Object.entries(accepts).map(([name, text]) => ({ name, ...shapeOf(text) }));
  for (const { name, required } of shapes) if (required) parameters.required(name);
  const isList = /^list/i.test(parameters.command);
  for (const { name, kind, many } of shapes) {
    if (kind === 'integer') parameters.whole(name);
    if (!isEntity(kind)) continue;
    const value = parameters.get(name);
    const named = many ? parameters.list(name) : value === undefined ? undefined : [value];
    for (const id of named ?? []) {
      const found = entities[kind](state).find((entity) => entity.id === id);
      if (found === undefined) throw unknownEntity(parameters.command, name, id);
      if (!isList) checkAccess(caller, kind, found);
    }
  }
}

function checkAccess(caller: LabAccount, kind: string, entity: Entity): void {
  if (caller.role === 'admin' || entity.accountId === undefined || entity.accountId === caller.id) return;
  throw permissionDenied(
    `Acct[${caller.id}-${caller.name}] does not have permission to operate with resource ${kind} [uuid: ${entity.id}]`,
  );
}

/** listall is false unless given: an admin, too, sees only what is his own then. A caller without the role sees no more with it. */
export function visibleTo<T extends { readonly id: string; readonly accountId: string }>(
  { parameters, caller }: Asked,
  items: readonly T[],
): readonly T[] {
  const everything =
    caller.role === 'admin' && (parameters.flag('listall') === true || parameters.get('id') !== undefined);
  return everything ? items : items.filter((item) => item.accountId === caller.id);
}
