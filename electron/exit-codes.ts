/** How the console ends; docs and scripts rely on these numbers (as in sysexits.h). */
export const exitCodes = {
  /** Closed by a person or a signal, or the screenshot was written. */
  done: 0,
  /** The command line is wrong. */
  usage: 64,
  /** The data directory could not be opened; the window showed code, cause and remedy. */
  notOpened: 69,
  /** An error that nobody expected, or a shutdown that did not end in time. */
  internal: 70,
} as const;
