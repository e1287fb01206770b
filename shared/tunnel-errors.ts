import { type ErrorEntry, hold, wait } from './error-entry.ts';

/** The part of the catalogue that only the tunnel of the data can cause. */
export const tunnelErrors = {
  TUNNEL_FORWARD_REFUSED: hold(
    422,
    'The SSH server does not forward to the NBD server.',
    'Allow it there: `permitopen` of the key in authorized_keys and AllowTcpForwarding; then resume.',
  ),
  TUNNEL_HOST_KEY: hold(
    409,
    'The SSH server shows another host key than the one that was accepted.',
    'Nothing was sent. Compare the fingerprint with the server itself; change the file of known hosts only if the key was renewed there.',
  ),
  TUNNEL_KEY_REFUSED: hold(
    422,
    'The SSH server refused the key.',
    'Check that its public half is in authorized_keys of the user named there, and that the key file is for its owner only; then resume.',
  ),
  TUNNEL_LOST: wait(
    503,
    'The tunnel of the data is down.',
    'Nothing to do if it comes back: it is opened again by itself. Else read the words of ssh in the cause.',
  ),
} as const satisfies Record<string, ErrorEntry>;
