import pino from 'pino';
import type { Log } from '../../ports/log.ts';

/** JSON lines to a file or to stderr; errors with their stack, never a credential. */
export function createLog(destination: { readonly file: string } | { readonly stderr: true }): Log & { flush(): void } {
  const stream = pino.destination(
    'file' in destination ? { dest: destination.file, mkdir: true, sync: true } : { dest: 2, sync: true },
  );
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: pino.stdSerializers.err },
      redact: [
        'secret',
        'password',
        'token',
        'api_key',
        'apiKey',
        '*.secret',
        '*.password',
        '*.token',
        '*.apiKey',
        '*.api_key',
      ],
    },
    stream,
  );
  return {
    info: (message, fields = {}) => {
      logger.info(fields, message);
    },
    warn: (message, fields = {}) => {
      logger.warn(fields, message);
    },
    error: (message, fields = {}) => {
      logger.error(fields, message);
    },
    flush: () => {
      stream.flushSync();
    },
  };
}
