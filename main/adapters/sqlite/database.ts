import sqlite3 from 'sqlite3';
import { AppError } from '../../../shared/errors.ts';
import type { Store, Tx } from '../../ports/store.ts';

export type Row = Readonly<Record<string, unknown>>;
type Values = readonly (string | number | null)[];

/** SQL on one connection; a Tx is one of these inside BEGIN IMMEDIATE. */
export type Sql = {
  run(sql: string, values?: Values): Promise<void>;
  all(sql: string, values?: Values): Promise<Row[]>;
};

export type Database = Store & {
  readonly read: Sql;
  /** Called once the transaction is on disk, in the order of the transactions. */
  afterCommit(tx: Tx, work: () => void): void;
  backup(path: string): Promise<void>;
  close(): Promise<void>;
};

type Transaction = Sql & { readonly committed: (() => void)[] };

export const sqlOf = (tx: Tx): Sql => tx as unknown as Transaction;

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? '';

const translate = (error: Error): Error => {
  const code = codeOf(error);
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR') {
    return new AppError('DATA_DIR_FULL', `The database could not be written: ${error.message}`, undefined, {
      cause: error,
    });
  }
  return error;
};

function sqlOn(connection: sqlite3.Database): Sql {
  return {
    run: (sql, values = []) =>
      new Promise((resolve, reject) => {
        connection.run(sql, [...values], (error) => {
          if (error === null) resolve();
          else reject(translate(error));
        });
      }),
    all: (sql, values = []) =>
      new Promise((resolve, reject) => {
        connection.all(sql, [...values], (error: Error | null, rows: Row[]) => {
          if (error === null) resolve(rows);
          else reject(translate(error));
        });
      }),
  };
}

function connect(path: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const connection = new sqlite3.Database(path, (error) => {
      if (error === null) resolve(connection);
      else reject(translate(error));
    });
  });
}

const disconnect = (connection: sqlite3.Database): Promise<void> =>
  new Promise((resolve, reject) => {
    connection.close((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });

/**
 * WAL with synchronous FULL: what a commit reported is on disk (rule J5). One connection writes, one transaction at a
 * time, because statements of concurrent awaits on one connection would interleave.
 */
export async function openDatabase(path: string): Promise<Database> {
  const writer = await connect(path);
  const write = sqlOn(writer);
  for (const pragma of ['busy_timeout = 5000', 'journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON']) {
    await write.all(`PRAGMA ${pragma}`);
  }
  const reader = await connect(path);
  const read = sqlOn(reader);
  await read.all('PRAGMA busy_timeout = 5000');
  let last: Promise<unknown> = Promise.resolve();

  const transact = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    await write.run('BEGIN IMMEDIATE');
    const transaction: Transaction = { ...write, committed: [] };
    let value: T;
    try {
      value = await work(transaction as unknown as Tx);
      await write.run('COMMIT');
    } catch (error) {
      await rollback();
      throw error;
    }
    for (const notify of transaction.committed) notify();
    return value;
  };

  /** SQLite may have rolled back by itself on a full disk; then there is nothing left to roll back. */
  const rollback = async (): Promise<void> => {
    try {
      await write.run('ROLLBACK');
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('no transaction is active')) throw error;
    }
  };

  return {
    read,
    write: (work) => {
      const mine = last.then(() => transact(work));
      last = mine.catch(() => undefined);
      return mine;
    },
    afterCommit: (tx, work) => {
      (tx as unknown as Transaction).committed.push(work);
    },
    backup: (target) => write.run('VACUUM INTO ?', [target]),
    close: async () => {
      await last;
      await disconnect(reader);
      await disconnect(writer);
    },
  };
}
