import { AppError, type ErrorCode } from '../../../../shared/errors.ts';
import { at, type Element, filledTextOf } from './element.ts';

/** Why vCenter did not do it: from a SOAP fault, from a task that failed, or from a property that was not told. */
export type SoapFault = {
  /** vCenter's name of the kind, e.g. `InvalidPowerState`. */
  readonly name: string;
  readonly message: string;
  readonly content: Element | null;
};

export function faultIn(element: Element): SoapFault {
  const content = at(element, 'detail')?.children[0] ?? null;
  return {
    // The element is named after the kind, too, for senders that do not type it.
    name: content?.type ?? content?.name.replace(/Fault$/, '') ?? filledTextOf(element, 'faultcode') ?? 'unknown',
    message: filledTextOf(element, 'faultstring') ?? '',
    content,
  };
}

/** Of a LocalizedMethodFault, as tasks and missing properties carry it. */
export function localizedFault(element: Element): SoapFault {
  const content = at(element, 'fault');
  return {
    name: content?.type ?? 'unknown',
    message: filledTextOf(element, 'localizedMessage') ?? '',
    content,
  };
}

const codes: Readonly<Record<string, ErrorCode>> = {
  InvalidLogin: 'VCENTER_AUTH',
  NotAuthenticated: 'VCENTER_SESSION_EXPIRED',
  NoPermission: 'VCENTER_PRIVILEGE',
  ManagedObjectNotFound: 'VCENTER_OBJECT_GONE',
  TaskInProgress: 'VCENTER_BUSY',
  ConcurrentAccess: 'VCENTER_BUSY',
  InvalidPowerState: 'VM_STATE',
  InvalidState: 'VM_STATE',
  ToolsUnavailable: 'VM_STATE',
};

export function faultError(method: string, fault: SoapFault): AppError {
  const code = codes[fault.name] ?? 'VCENTER_REFUSED';
  const details = { method, fault: fault.name, message: fault.message };
  if (code === 'VCENTER_PRIVILEGE' && fault.content !== null) {
    const object = at(fault.content, 'object');
    const privilege = filledTextOf(fault.content, 'privilegeId') ?? 'unknown';
    const on = object === null ? 'unknown' : `${object.refType ?? ''} ${object.text}`.trim();
    return new AppError(code, `${method} needs ${privilege} on ${on}.`, { ...details, privilege, object: on });
  }
  const words = fault.message === '' ? 'no explanation' : fault.message;
  return new AppError(code, `${method}: ${words} (${fault.name})`, details);
}

/** Which fault of vCenter is behind an error; null for all other errors. */
export const faultNameOf = (error: unknown): string | null => {
  const name = error instanceof AppError ? error.details?.['fault'] : null;
  return typeof name === 'string' ? name : null;
};
