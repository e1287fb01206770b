import type { VcenterContext } from '../context.ts';
import { privileges } from '../privileges.ts';
import type { Session } from '../sessions.ts';
import { bool, list, long, type Ref, ref, refs, struct, text, time, type Value } from '../soap/value.ts';
import { containerViewObject } from './container-view.ts';
import type { ManagedObject, Properties } from './managed-object.ts';
import { aboutOf, placeObjects } from './places.ts';
import { snapshotObject, vmObject } from './vm.ts';

/** Everything that one caller can name at this moment. */
export type World = {
  find(ref: Ref): ManagedObject | undefined;
  readonly mayRead: boolean;
};

export const rootFolder = ref('Folder', 'group-d1');

export function worldOf(context: VcenterContext, session: Session | null): World {
  const { vms, tasks, store } = context;
  const { denied } = store.state.vcenter;
  const all = vms.all();
  const inventory = [...placeObjects(all), ...all.map((vm) => vmObject(vm, tasks.of(vm)))];
  // Without System.View the inventory is empty below its root.
  const entities = denied.includes('System.View')
    ? inventory.filter((object) => object.ref.id === rootFolder.id)
    : inventory;
  const objects: readonly ManagedObject[] = [
    ...entities,
    ...all.flatMap((vm) =>
      vm.now.chain.filter((snapshot) => !snapshot.removed).map((snapshot) => snapshotObject(vm, snapshot)),
    ),
    ...tasks.objects(),
    ...serviceObjects(context, session),
    ...(session === null ? [] : objectsOf(session, entities)),
  ];
  const byId = new Map(objects.map((object) => [object.ref.id, object]));
  return {
    find: ({ type, id }) => {
      const object = byId.get(id);
      return object?.ref.type === type ? object : undefined;
    },
    mayRead: !denied.includes('System.Read'),
  };
}

const plain = (type: string, id: string, properties: () => Properties): ManagedObject => ({
  ref: ref(type, id),
  name: null,
  parent: null,
  properties,
});

const objectsOf = (session: Session, entities: readonly ManagedObject[]): ManagedObject[] => [
  ...[...session.views.values()].map((view) => containerViewObject(view, entities)),
  ...[...session.collectors.values()].flatMap((collector) => [
    plain('PropertyCollector', collector.id, () => ({
      filter: () => refs([...collector.filters.keys()].map((id) => ref('PropertyFilter', id))),
    })),
    ...[...collector.filters.keys()].map((id) => plain('PropertyFilter', id, () => ({}))),
  ]),
];

const serviceObjects = ({ store, nowMs }: VcenterContext, session: Session | null): ManagedObject[] => [
  plain('ServiceInstance', 'ServiceInstance', () => ({
    serverClock: () => time(nowMs()),
    content: () => serviceContent(store.state.vcenter.instanceUuid),
  })),
  plain('SessionManager', 'SessionManager', () => ({
    currentSession: () => (session === null ? undefined : userSession(session)),
    defaultLocale: () => text('en'),
  })),
  plain('PropertyCollector', 'propertyCollector', () => ({ filter: () => refs([]) })),
  plain('SearchIndex', 'SearchIndex', () => ({})),
  plain('ViewManager', 'ViewManager', () => ({
    viewList: () => refs([...(session?.views.keys() ?? [])].map((id) => ref('ContainerView', id))),
  })),
  plain('AuthorizationManager', 'AuthorizationManager', () => ({
    privilegeList: () =>
      list(
        'AuthorizationPrivilege',
        privileges.map((id) =>
          struct('AuthorizationPrivilege', {
            privId: text(id),
            onParent: bool(false),
            name: text(id.replace(/^.*\./, '')),
            privGroupName: text(id.replace(/\.[^.]*$/, '')),
          }),
        ),
      ),
  })),
];

export const serviceContent = (instanceUuid: string): Value =>
  struct('ServiceContent', {
    rootFolder,
    propertyCollector: ref('PropertyCollector', 'propertyCollector'),
    viewManager: ref('ViewManager', 'ViewManager'),
    about: aboutOf(instanceUuid),
    sessionManager: ref('SessionManager', 'SessionManager'),
    authorizationManager: ref('AuthorizationManager', 'AuthorizationManager'),
    searchIndex: ref('SearchIndex', 'SearchIndex'),
  });

export const userSession = (session: Session): Value =>
  struct('UserSession', {
    key: text(session.key),
    userName: text(
      session.userName.replace(
        /^(.*)@(.*)$/,
        (_whole, name: string, domain: string) => `${domain.toUpperCase()}\\${name}`,
      ),
    ),
    fullName: text('Administrator vsphere.local'),
    loginTime: time(session.loginAtMs),
    lastActiveTime: time(session.lastActiveAtMs),
    locale: text('en'),
    messageLocale: text('en'),
    extensionSession: bool(false),
    ipAddress: text('127.0.0.1'),
    userAgent: text(session.userAgent),
    callCount: long(session.calls),
  });
