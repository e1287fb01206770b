import { type Fields, type Ref, type Struct, struct, text, word } from './value.ts';

/** What vCenter says when it refuses: the type of the fault, its fields and the text people read. */
export class VimFault extends Error {
  readonly type: string;
  readonly fields: Fields;

  constructor(type: string, message: string, fields: Fields = {}) {
    super(message);
    this.name = 'VimFault';
    this.type = type;
    this.fields = fields;
  }
}

/** As it stands in a task or in a missing property. */
export const localized = (fault: VimFault): Struct =>
  struct('LocalizedMethodFault', { fault: struct(fault.type, fault.fields), localizedMessage: text(fault.message) });

export const notAuthenticated = (object: Ref, privilegeId = 'System.View'): VimFault =>
  new VimFault('NotAuthenticated', 'The session is not authenticated.', { object, privilegeId: text(privilegeId) });
export const noPermission = (object: Ref, privilegeId: string): VimFault =>
  new VimFault('NoPermission', 'Permission to perform this operation was denied.', {
    object,
    privilegeId: text(privilegeId),
  });
export const objectNotFound = (obj: Ref): VimFault =>
  new VimFault(
    'ManagedObjectNotFound',
    `The object '${obj.type}:${obj.id}' has already been deleted or has not been completely created`,
    { obj },
  );
export const invalidArgument = (invalidProperty: string): VimFault =>
  new VimFault('InvalidArgument', `A specified parameter was not correct: ${invalidProperty}`, {
    invalidProperty: text(invalidProperty),
  });
export const invalidRequest = (message: string): VimFault => new VimFault('InvalidRequest', message);
export const invalidLogin = (): VimFault =>
  new VimFault('InvalidLogin', 'Cannot complete login due to an incorrect user name or password.');
export const invalidPowerState = (requested: string | null, existing: string): VimFault =>
  new VimFault('InvalidPowerState', `The attempted operation cannot be performed in the current state (${existing}).`, {
    requestedState: requested === null ? undefined : word('VirtualMachinePowerState', requested),
    existingState: word('VirtualMachinePowerState', existing),
  });
export const fileFault = (file: string): VimFault =>
  new VimFault('FileFault', `Error caused by file ${file}`, { file: text(file) });
