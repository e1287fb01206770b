type Fields = Readonly<Record<string, unknown>>;

/** One line per event: a constant message and fields. Never a secret. warn = look at it, error = somebody must act. */
export type Log = {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
};
