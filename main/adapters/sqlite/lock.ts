import sqlite3 from 'sqlite3';
import { AppError } from '../../../shared/errors.ts';

/**
 * One data directory, one daemon: an exclusive transaction on DIR/daemon.lock, held for life and freed by the kernel
 * when the process ends, however it ends (rule D7).
 */
export function takeLock(path: string): Promise<{ release(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const lock = new sqlite3.Database(path, (failure) => {
      if (failure !== null) {
        reject(failure);
        return;
      }
      lock.exec(
        'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (by INTEGER)',
        (error) => {
          if (error === null) {
            resolve({ release: () => close(lock) });
            return;
          }
          lock.close(() => {
            const busy = (error as { code?: string }).code === 'SQLITE_BUSY';
            reject(busy ? new AppError('DATA_DIR_IN_USE', `The lock ${path} is held.`) : error);
          });
        },
      );
    });
  });
}

const close = (lock: sqlite3.Database): Promise<void> =>
  new Promise((resolve, reject) => {
    lock.exec('ROLLBACK', () => {
      lock.close((error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  });
