/** What can go wrong with the lab's vCenter on demand. `match.command` is the name of the call, `match.vm_id` a moref. */
export const vcenterFaultTable = {
  'vc-slow': { at: 'vc-request', does: 'The call waits `value` ms (five seconds) before it is looked at.' },
  'vc-request-lost': { at: 'vc-request', does: 'The connection is cut before anything is done.' },
  'vc-session-expired': { at: 'vc-request', does: 'The session of the caller ends: NotAuthenticated.' },
  'vc-http-503': { at: 'vc-request', does: 'The proxy in front says that the server is down.' },
  'vc-garbage-reply': { at: 'vc-request', does: 'HTTP 200 with a page of HTML.' },
  'vc-reply-lost': { at: 'vc-reply', does: 'The call is carried out, then the connection is cut.' },
  'vc-reply-cut': { at: 'vc-reply', does: 'The connection is cut in the middle of the reply.' },
  'vc-reply-truncated': { at: 'vc-reply', does: 'HTTP 200 in good order, with half of the document.' },
  'vc-reply-huge': { at: 'vc-reply', does: 'A well-formed reply of `value` MB (100).' },
  'vc-xml-bomb': { at: 'vc-reply', does: 'A document type whose entities would grow to gigabytes.' },
  'vc-task-slow': {
    at: 'vc-task',
    does: 'The task takes `value` ms (five seconds) longer: a long stun, a long consolidation.',
  },
  'vc-task-fails': { at: 'vc-task', does: 'The task ends with a fault and has done nothing.' },
  'vc-shutdown-hangs': { at: 'vc-task', command: 'shutdownGuest', does: 'The guest never switches off.' },
  'vc-snapshot-fails': { at: 'vc-task', command: 'createSnapshot', does: 'The guest cannot be quiesced: no snapshot.' },
  'vc-consolidation-needed': {
    at: 'vc-task',
    command: 'removeSnapshot',
    does: 'The snapshot leaves the tree, its files stay until the disks are consolidated.',
  },
  'vc-cbt-lies': { at: 'vc-query', does: 'The first of the changed areas is left out of the reply.' },
  'vc-cbt-file-fault': { at: 'vc-query', does: 'FileFault: the change file cannot be read.' },
  'vc-folder-401': {
    at: 'vc-folder',
    does: 'When byte `value` of a file is asked for: 401, and every session has ended.',
  },
  'vc-folder-cut': {
    at: 'vc-folder',
    does: 'When byte `value` of a file is asked for: half of it, then the connection is cut.',
  },
  'vc-folder-503': { at: 'vc-folder', does: 'When byte `value` of a file is asked for: 503.' },
  'vc-folder-power-on': {
    at: 'vc-folder',
    does: 'When byte `value` of a file is asked for: its VM is switched on, and its guest writes.',
  },
  'vc-folder-reconfigured': {
    at: 'vc-folder',
    does: 'When byte `value` of a file is asked for: somebody changes the configuration of its VM.',
  },
  'vc-snapshot-read-401': {
    at: 'vc-snapshot-read',
    does: 'When byte `value` of a frozen disk is asked for: 401, and every session has ended.',
  },
  'vc-snapshot-read-cut': {
    at: 'vc-snapshot-read',
    does: 'When byte `value` of a frozen disk is asked for: half of it, then the connection is cut.',
  },
  'vc-snapshot-read-503': { at: 'vc-snapshot-read', does: 'When byte `value` of a frozen disk is asked for: 503.' },
} as const;
