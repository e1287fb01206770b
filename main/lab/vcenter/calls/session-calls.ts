import { randomUUID } from 'node:crypto';
import { isKnownType } from '../objects/managed-object.ts';
import { vmRef } from '../objects/vm.ts';
import { serviceContent, userSession, type World } from '../objects/world.ts';
import { privileges } from '../privileges.ts';
import { refOf } from '../soap/envelope.ts';
import type { Element } from '../soap/read.ts';
import { bool, list, type Ref, ref, struct, text, texts, time, type Value } from '../soap/value.ts';
import { invalidArgument, invalidLogin, objectNotFound, VimFault } from '../soap/vim-fault.ts';
import type { Calls, ClosedCall, OpenCall } from './call.ts';

/** What may be asked by anyone. */
export const openCalls: Calls<OpenCall> = {
  RetrieveServiceContent: {
    on: 'ServiceInstance',
    takes: [],
    anonymous: true,
    answer: ({ store }) => serviceContent(store.state.vcenter.instanceUuid),
  },
  Login: {
    on: 'SessionManager',
    takes: ['userName!', 'password!', 'locale'],
    anonymous: true,
    answer: ({ sessions }, { args, session, userAgent, begin }) => {
      // vCenter refuses a second login in one session with this very fault.
      if (session !== null) throw invalidLogin();
      const userName = args.text('userName') ?? '';
      if (!sessions.knows(userName, args.text('password') ?? '')) throw invalidLogin();
      const opened = sessions.open(userName, userAgent);
      begin(opened);
      return userSession(opened);
    },
  },
};

export const sessionCalls: Calls<ClosedCall> = {
  Logout: {
    on: 'SessionManager',
    takes: [],
    answer: ({ sessions }, { session }) => {
      sessions.close(session);
      return undefined;
    },
  },
  SessionIsActive: {
    on: 'SessionManager',
    takes: ['sessionID!', 'userName!'],
    privilege: 'Sessions.ValidateSession',
    answer: ({ sessions }, { args }) => {
      const found = sessions.byKey(args.text('sessionID') ?? '');
      return bool(found !== undefined && normalName(found.userName) === normalName(args.text('userName') ?? ''));
    },
  },
  CurrentTime: { on: 'ServiceInstance', takes: [], privilege: 'System.View', answer: ({ nowMs }) => time(nowMs()) },
  CreateContainerView: {
    on: 'ViewManager',
    takes: ['container!', 'type', 'recursive!'],
    privilege: 'System.View',
    answer: (_context, { args, session, world }) => {
      const container = targetOf(args.one('container'), world);
      const types = args.many('type').map((type) => type.text.trim());
      const stranger = types.find((type) => !isKnownType(type));
      if (stranger !== undefined) throw invalidArgument('type');
      const id = `session[${session.key}]${randomUUID()}`;
      session.views.set(id, { id, container, types, recursive: args.flag('recursive') ?? false });
      return ref('ContainerView', id);
    },
  },
  FindByUuid: {
    on: 'SearchIndex',
    takes: ['datacenter', 'uuid!', 'vmSearch!', 'instanceUuid'],
    privilege: 'System.View',
    answer: ({ vms }, { args }) => {
      const uuid = (args.text('uuid') ?? '').trim().toLowerCase();
      const byInstance = args.flag('instanceUuid') === true;
      const vm = vms.all().find(({ plan }) => (byInstance ? plan.vmId : plan.biosUuid) === uuid);
      return args.flag('vmSearch') === true && vm !== undefined ? vmRef(vm) : undefined;
    },
  },
  DestroyView: {
    on: 'ContainerView',
    takes: [],
    answer: (_context, { self, session }) => {
      session.views.delete(self.ref.id);
      return undefined;
    },
  },
};

/** An object that the caller can name at this moment. */
function targetOf(element: Element | undefined, world: World): Ref {
  if (element === undefined) throw invalidArgument('entity');
  const target = refOf(element);
  if (world.find(target) === undefined) throw objectNotFound(target);
  return target;
}

const isHeld = (denied: readonly string[], privilege: string): boolean =>
  (privileges as readonly string[]).includes(privilege) && !denied.includes(privilege);

export const privilegeCalls: Calls<ClosedCall> = {
  HasPrivilegeOnEntity: {
    on: 'AuthorizationManager',
    takes: ['entity!', 'sessionId!', 'privId'],
    privilege: 'System.View',
    answer: ({ store, sessions }, { args, world }) => {
      targetOf(args.one('entity'), world);
      if (sessions.byKey(args.text('sessionId') ?? '') === undefined) throw invalidArgument('sessionId');
      const { denied } = store.state.vcenter;
      return list(
        'xsd:boolean',
        args.many('privId').map((id) => bool(isHeld(denied, id.text.trim()))),
      );
    },
  },
  FetchUserPrivilegeOnEntities: {
    on: 'AuthorizationManager',
    takes: ['entities!', 'userName!'],
    privilege: 'System.View',
    answer: ({ store }, { args, world }) => {
      const { denied, username } = store.state.vcenter;
      if (normalName(args.text('userName') ?? '') !== normalName(username)) {
        throw new VimFault('UserNotFound', `Cannot locate the specified user: ${args.text('userName') ?? ''}`, {
          principal: text(args.text('userName') ?? ''),
          unresolved: bool(true),
        });
      }
      const held = texts(privileges.filter((privilege) => isHeld(denied, privilege)));
      return list(
        'UserPrivilegeResult',
        args
          .many('entities')
          .map(
            (element): Value => struct('UserPrivilegeResult', { entity: targetOf(element, world), privileges: held }),
          ),
      );
    },
  },
};

/** name@domain and DOMAIN\name are one user. */
const normalName = (name: string): string => name.toLowerCase().replace(/^(.*)\\(.*)$/, '$2@$1');
