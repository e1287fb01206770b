import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { commandLine, environmentOf, gone, pidsNow, processState } from '../../main/adapters/processes/proc.ts';
import { keyFileSlot } from '../../main/adapters/secrets/key-file-slot.ts';
import { createVault } from '../../main/adapters/secrets/vault.ts';
import { endpoints } from '../../shared/contract/all.ts';
import { startMigration, testSignal, waitForBytes, waitForMigration } from '../fixtures/daemon-process.ts';
import { labAccess } from '../fixtures/lab-control.ts';
import { arm } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon({ rate_mib_per_second: 20 }, { labSource: 'vcenter' });
const sitePassword = 'S1te "pass" wörd/+=';

/** A program that is told two words as nobody must tell secrets: shows that the watch sees such things. */
const decoy = { word: 'decoy-in-the-words', variable: 'decoy-in-the-environment' };

/** What must not be seen, by name. */
const secrets = new Map<string, string>([['site password', sitePassword]]);
/** Command lines and environments of every process of this machine during the story, by the program's name. */
const commands = new Map<string, Set<string>>();
const environments = new Map<string, Set<string>>();
/** By the path of the request. */
const replies = new Map<string, string>();

/** Each way in which a text may be written down. */
const writings = (text: string): Buffer[] => {
  const bytes = Buffer.from(text);
  const forms = [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), bytes.toString('hex')];
  const base64 = [bytes.toString('base64'), bytes.toString('base64url')];
  return [...new Set([...forms, ...base64])].map((form) => Buffer.from(form));
};

const secretsIn = (place: string | Buffer): string[] => {
  const bytes = Buffer.from(place);
  const found = [...secrets].filter(([, text]) => writings(text).some((form) => bytes.includes(form)));
  return found.map(([name]) => name);
};

const note = (seen: Map<string, Set<string>>, program: string, text: string): void => {
  seen.set(program, (seen.get(program) ?? new Set()).add(text));
};

async function watchProcesses({ signal }: { signal: AbortSignal }): Promise<void> {
  while (!signal.aborted) {
    for (const pid of pidsNow()) {
      const program = processState(pid)?.comm;
      if (program === undefined || pid === process.pid) continue;
      note(commands, program, commandLine(pid).join(' '));
      note(environments, program, (environmentOf(pid) ?? []).join('\n'));
    }
    await pause(3);
  }
}

/** Every question that the API knows, about what there is and about what there is not. */
async function askEverything(ids: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const ask = async (path: string): Promise<void> => {
    const headers = { authorization: `Bearer ${own.daemon.token}` };
    const answer = await fetch(new URL(path, own.daemon.url), { headers, signal: testSignal() });
    replies.set(path, `${JSON.stringify([...answer.headers])}\n${await answer.text()}`);
  };
  await ask('/api/v1/openapi.json');
  for (const { method, path } of Object.values(endpoints)) {
    if (method !== 'GET') continue;
    const values = Object.values(ids).flat();
    const paths = path.includes(':') ? values.map((id) => path.replace(/:\w+/g, encodeURIComponent(id))) : [path];
    for (const one of paths) await ask(one);
  }
}

/** Paths below the data directory of all files that hold it; a new version that is about to be renamed counts as its file. */
function filesHolding(name: string): string[] {
  const text = secrets.get(name) ?? '';
  const files = readdirSync(own.dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/[.](raw|qcow2|vmdk|ova|img)$/.test(path));
  const holding = files
    // Daemon and lab live on meanwhile: a file that is gone again holds nothing.
    .filter((path) => gone(() => writings(text).some((form) => readFileSync(path).includes(form))) ?? false)
    .map((path) => path.slice(own.dir.length + 1).replace(/[.]new$/, ''));
  return [...new Set(holding)].sort();
}

beforeAll(async () => {
  const { api_key: apiKey, secret_key: secretKey, vcenter } = own.volumes.site;
  secrets.set('CloudStack secret', secretKey).set('CloudStack key', apiKey).set('vCenter password', vcenter.password);
  secrets.set('token of the API', own.daemon.token).set('token of the lab', labAccess(own.dir).control_token);
  const vault = createVault({ dir: own.dir, slots: [keyFileSlot(join(own.dir, 'vault.key'))] });
  await vault.put('site', sitePassword, { signal: testSignal() });

  const watching = new AbortController();
  const watched = watchProcesses(watching);
  const talkative = spawn('cat', ['-', decoy.word], {
    env: { DECOY: decoy.variable },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // With what makes it talk: a refused key, and a CloudStack that goes away in the middle.
  await arm(own.dir, 'empty-401', { match: { command: 'createVolume' } });
  const id = await startMigration(own.daemon, 'pgtest2');
  await waitForMigration(own.daemon, id, ({ status }) => status === 'held');
  await own.daemon.client.call('resumeMigration', { params: { id } }, { signal: testSignal() });
  await waitForBytes(own.daemon, id, 1);
  process.kill(labAccess(own.dir).pid, 'SIGKILL');
  const { status } = await waitForMigration(own.daemon, id);
  expect(status).toBe('completed');
  talkative.stdin.end();
  watching.abort();
  await watched;
  const { volumes } = await own.daemon.client.call('listVolumes', {}, { signal: testSignal() });
  await askEverything({
    migrations: [id],
    volumes: volumes.map(({ volume_id: one }) => one),
    none: ['nobody'],
  });
});

describe('after a migration with a refused key and a CloudStack that went away', () => {
  test('no process was started with a secret among its words', () => {
    expect([...commands.keys()]).toEqual(expect.arrayContaining(['nbdcopy', 'nbdkit', 'nbd-server', 'node']));
    expect([...(commands.get('cat') ?? [])].join('\n')).toContain(decoy.word);
    const told = [...commands].filter(([, texts]) => secretsIn([...texts].join('\n')).length > 0);
    expect(told.map(([program]) => program)).toEqual([]);
  });

  test('no process was given a secret in its environment', () => {
    expect([...(environments.get('nbdcopy') ?? [])].join('\n')).toContain('PATH=');
    expect([...(environments.get('cat') ?? [])].join('\n')).toContain(decoy.variable);
    const told = [...environments].filter(([, texts]) => secretsIn([...texts].join('\n')).length > 0);
    expect(told.map(([program]) => program)).toEqual([]);
  });

  test('no answer of the API holds one, and no event', () => {
    expect(replies.get('/api/v1/events')).toContain('CLOUD_AUTH');
    expect(replies.size).toBeGreaterThan(20);
    const told = [...replies].map(([path, text]) => [path, secretsIn(text)] as const);
    expect(told.filter(([, found]) => found.length > 0)).toEqual([]);
  });

  test('each lies in the data directory only where it belongs: not in a log, not in the database', () => {
    const logs = ['daemon.log', 'ossea.db'];
    expect(readdirSync(own.dir)).toEqual(expect.arrayContaining(logs));
    expect(readFileSync(join(own.dir, 'daemon.log'), 'utf8')).toContain('CLOUD_AUTH');
    expect(filesHolding('site password')).toEqual([]);
    expect(filesHolding('token of the API')).toEqual(['endpoint.json']);
    // The lab's own files: it is the CloudStack and the vCenter.
    for (const name of ['CloudStack secret', 'CloudStack key', 'vCenter password', 'token of the lab'])
      expect(filesHolding(name), name).toEqual(['lab/lab.json', 'lab/state.json']);
  });
});
