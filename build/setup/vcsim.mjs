import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram, makeEnvironment } from '../environment.mjs';
import { repository, setupDir, toolsDir, vcsimProgram } from './paths.mjs';
import { run } from './run.mjs';
import { keyOf, readStamp, writeStamp } from './stamp.mjs';

const sources = join(repository, 'test/vcsim');

export function vcsimIsBuilt() {
  return existsSync(vcsimProgram) && readStamp().vcsim === sourcesKey();
}

function sourcesKey() {
  const files = readdirSync(sources).filter((name) => name.endsWith('.go'));
  return keyOf(process.arch, ...files.sort().flatMap((name) => [name, readFileSync(join(sources, name), 'utf8')]));
}

/** From Debian's packages alone: no module is looked for in the network. */
export async function buildVcsim() {
  const key = sourcesKey();
  const draft = `${vcsimProgram}.new`;
  mkdirSync(dirname(vcsimProgram), { recursive: true });
  const env = goEnvironment();
  await run([findProgram('go', env) ?? 'go', 'build', '-o', draft, '.'], { cwd: sources, env });
  renameSync(draft, vcsimProgram);
  writeStamp('vcsim', key);
}

function goEnvironment() {
  const { GOROOT, ...base } = makeEnvironment();
  return {
    ...base,
    GO111MODULE: 'off',
    GOPROXY: 'off',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '',
    CGO_ENABLED: '0',
    GOPATH: ['/usr/share/gocode', join(toolsDir, 'usr/share/gocode')].filter(existsSync).join(':'),
    GOCACHE: join(setupDir, 'go-cache'),
  };
}
