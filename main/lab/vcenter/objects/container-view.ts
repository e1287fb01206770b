import { bool, type Ref, ref, refs, texts } from '../soap/value.ts';
import { isA, type ManagedObject } from './managed-object.ts';

export type ContainerView = {
  readonly id: string;
  readonly container: Ref;
  readonly types: readonly string[];
  readonly recursive: boolean;
};

/** What the view shows is looked up whenever it is read. */
export const containerViewObject = (view: ContainerView, entities: readonly ManagedObject[]): ManagedObject => ({
  ref: ref('ContainerView', view.id),
  name: null,
  parent: null,
  properties: () => ({
    container: () => view.container,
    type: () => texts(view.types),
    recursive: () => bool(view.recursive),
    view: () => refs(shownBy(view, entities)),
  }),
});

function shownBy({ container, types, recursive }: ContainerView, entities: readonly ManagedObject[]): Ref[] {
  const parents = new Map(entities.map((entity) => [entity.ref.id, entity.parent]));
  const isBelow = (entity: ManagedObject): boolean => {
    for (let at = entity.parent; at !== null; at = parents.get(at.id) ?? null) {
      if (at.id === container.id) return true;
      if (!recursive) return false;
    }
    return false;
  };
  return entities
    .filter((entity) => types.length === 0 || types.some((type) => isA(entity.ref.type, type)))
    .filter(isBelow)
    .map((entity) => entity.ref);
}
