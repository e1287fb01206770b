declare const transaction: unique symbol;

/** An open write transaction. Opaque: only the database adapter looks inside. */
export type Tx = { readonly [transaction]: true };

/** One writer at a time; what `work` writes is kept whole or not at all. DATA_DIR_FULL when the disk is full. */
export type Store = {
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
};
