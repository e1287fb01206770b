import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { repository, runProgram } from './repository.ts';

const electron = process.env['OSSEA_ELECTRON'] ?? join(repository, '.setup/electron/electron');

const entry = `
import fastify from 'fastify';
import pino from 'pino';
import { get } from 'node:http';
const server = fastify({ loggerInstance: pino({ level: 'silent' }) });
server.get('/', async () => ({ answer: 42 }));
const both = AbortSignal.any([new AbortController().signal, AbortSignal.abort('stop')]);
server.listen({ port: 0, host: '127.0.0.1' }).then((address) => {
  get(address, (reply) => {
    reply.setEncoding('utf8').on('data', (text) => {
      console.log(JSON.stringify({ text, aborted: both.aborted, reason: both.reason, file: typeof File }));
      void server.close();
    });
  });
});
`;

test.skipIf(!existsSync(electron))(
  'a bundle with fastify and pino serves on the Node that is inside the Electron runtime',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ossea-old-runtime-'));
    try {
      await writeFile(join(dir, 'entry.mjs'), entry);
      await build({
        stdin: { contents: entry, resolveDir: repository, sourcefile: 'entry.mjs' },
        outfile: join(dir, 'bundle.cjs'),
        bundle: true,
        format: 'cjs',
        platform: 'node',
        target: 'node18',
        inject: [join(repository, 'build/old-node-shim.ts')],
        logLevel: 'silent',
      });
      const env = `ELECTRON_RUN_AS_NODE=1`;
      const { code, stdout, stderr } = await runProgram('env', [env, electron, join(dir, 'bundle.cjs')], dir);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ text: '{"answer":42}', aborted: true, reason: 'stop', file: 'function' });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
);
