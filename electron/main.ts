import { homedir } from 'node:os';
import { app } from 'electron';
import { AppError, toErrorBody } from '../shared/errors.ts';
import { exitCodes } from './exit-codes.ts';
import { createStderrLog } from './stderr-log.ts';

const log = createStderrLog(
  (line) => process.stderr.write(line),
  () => new Date().toISOString(),
);

// First of all: Electron answers an uncaught error with a modal dialog, which hangs for ever without a display.
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error: unknown) => {
    log.error('console ended by an unexpected error', { cause: error instanceof Error ? error.stack : String(error) });
    app.exit(exitCodes.internal);
  });
}

// As root Chromium refuses to start with its sandbox on; --no-sandbox is then the caller's explicit choice.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();

// Loaded after the handlers above, so that an error while the daemon's modules load meets them too.
import('./run-console.ts')
  .then(({ runConsole }) => runConsole({ log, home: homedir() }))
  .catch((error: unknown) => {
    const wrongLine = error instanceof AppError && error.code === 'INVALID_REQUEST';
    log.error('console not started', { ...toErrorBody(error) });
    app.exit(wrongLine ? exitCodes.usage : exitCodes.internal);
  });
