import { type ErrorEntry, fail, hold, wait } from './error-entry.ts';

/** The part of the catalogue that only vCenter can cause. */
export const vcenterErrors = {
  GUEST_NOT_QUIESCED: fail(
    422,
    'The guest could not be brought to a quiet moment for the snapshot.',
    'Look at the tools and the event log of the guest; without a quiet moment its disks are copied as after a power cut.',
  ),
  VCENTER_AUTH: hold(
    422,
    'The vCenter refused the user name or the password.',
    'Correct them in the site, check that the account is neither locked nor expired, then resume.',
  ),
  VCENTER_BUSY: wait(
    409,
    'Another task of the VM is under way in vCenter.',
    'Nothing to do: it is tried again by itself. If it stays, look at the tasks of the VM in vCenter.',
  ),
  VCENTER_CERTIFICATE_CHANGED: hold(
    409,
    'The vCenter shows another certificate than the one that was accepted.',
    'Nothing was sent. Compare both fingerprints with the vCenter itself; accept the new one in the site only if it was renewed there.',
  ),
  VCENTER_OBJECT_GONE: fail(
    404,
    'The vCenter no longer knows the object.',
    'It was removed or registered anew. Look it up in the inventory and start again.',
  ),
  VCENTER_PRIVILEGE: hold(
    422,
    'The vCenter user lacks a privilege.',
    'Give its role the privilege named in the cause on the object named there, then resume.',
  ),
  VCENTER_REFUSED: fail(
    422,
    'The vCenter refused the request.',
    'Read the cause given by vCenter and mend it there, then start again.',
  ),
  VCENTER_REPLY_INVALID: fail(
    422,
    'The vCenter answered with something this console does not understand.',
    'Check that the address is a vCenter and that nothing in between answers for it; report the cause if so.',
  ),
  VCENTER_REPLY_TOO_LARGE: fail(
    422,
    'The answer of vCenter is larger than this console accepts.',
    'Check that nothing in between answers for it; report the cause if the vCenter is in order.',
  ),
  VCENTER_SESSION_EXPIRED: wait(
    503,
    'The vCenter ended the session.',
    'Nothing to do: it signs in anew and the work goes on by itself. If it stays, look for what ends its sessions.',
  ),
  VCENTER_UNREACHABLE: wait(
    503,
    'The vCenter cannot be reached.',
    'Nothing to do if it comes back: the work goes on by itself. Else check network, address and port 443.',
  ),
  VCENTER_USER_DOMAIN: hold(
    422,
    'The vCenter refused the sign-in, and the user name has no domain.',
    'Write it with its domain, as in `administrator@vsphere.local`; if it is right as it is, correct the password. Then resume.',
  ),
} as const satisfies Record<string, ErrorEntry>;
