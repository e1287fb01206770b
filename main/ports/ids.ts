export type Ids = {
  /** A new UUIDv7. */
  next(): string;
  /** Always the same UUID for the same parent and name: a child that is started twice is started once. */
  derive(parent: string, name: string): string;
  /** A digest that tells whether an input is the same as before a restart. */
  digest(value: unknown): string;
};
