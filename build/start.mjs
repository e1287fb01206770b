import { accessSync, constants, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { runInOurPlace } from './child.mjs';
import { openDisplay } from './display.mjs';
import { electronExecutable, hasDisplay, makeEnvironment } from './environment.mjs';
import { distDir, repository, setupDir, testOutputDir } from './setup/paths.mjs';
import { lastLines, run, SetupError } from './setup/run.mjs';
import { runCommand, setUp } from './setup.mjs';

const once = process.argv.includes('--once');

await runCommand(async () => {
  const unknown = process.argv.slice(2).filter((word) => word !== '--once');
  if (unknown.length > 0) throw new SetupError(`Unknown: ${unknown.join(' ')}. Use: npm start [-- --once]`);
  await setUp({ purpose: 'start' });
  await bundle();
  const environment = makeEnvironment();
  const dataDir = labDataDir();
  if (hasDisplay(environment) && !once) {
    console.log(`Opening the console on the demo environment (${dataDir}).`);
    return runInOurPlace(electronArguments(dataDir), { env: environment, cwd: repository });
  }
  return withoutDisplay(environment, dataDir);
});

async function withoutDisplay(environment, dataDir) {
  const ossea = [process.execPath, join(distDir, 'ossea.cjs')];
  if (!once)
    console.log(
      'There is no display here. The migration runs in this terminal; after it the console is served to a browser.\n',
    );
  const code = await runInOurPlace([...ossea, 'lab', 'migrate', 'pgtest2'], { env: environment, cwd: repository });
  if (code !== 0) return code;
  await picture(environment, dataDir);
  if (once) return 0;
  return runInOurPlace([...ossea, 'serve', '--lab', '--port', '0', '--data-dir', dataDir], {
    env: environment,
    cwd: repository,
  });
}

/** The picture is an extra: its failure is told, and neither hides nor undoes the proved migration. */
async function picture(environment, dataDir) {
  const file = join(testOutputDir, 'console.png');
  mkdirSync(testOutputDir, { recursive: true });
  rmSync(file, { force: true });
  try {
    const display = await openDisplay(environment);
    try {
      const env = { ...display.environment, OSSEA_SCREENSHOT: file };
      const result = await run(electronArguments(dataDir), { env, cwd: repository, mayFail: true, timeoutMs: 90_000 });
      if (result.code !== 0 || !existsSync(file)) {
        const end = result.signal ?? `exit code ${result.code}`;
        throw new SetupError(`The window ended with ${end}.\n${lastLines(result.stderr, 5)}`);
      }
      console.log(`\nA picture of the console: ${file}`);
    } finally {
      await display.close();
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\nNo picture of the console could be made.\n${error.message}`);
  }
}

function electronArguments(dataDir) {
  // Chromium refuses to start with its sandbox as root.
  const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];
  return [electronExecutable(), ...sandbox, repository, '--lab', '--data-dir', dataDir];
}

function labDataDir() {
  // A home that does not exist is not made: it is absent on purpose.
  const home = process.env.HOME && existsSync(process.env.HOME) ? join(process.env.HOME, '.local/share') : '';
  const share = process.env.XDG_DATA_HOME || home;
  const preferred = share === '' ? null : join(share, 'ossea-migration-console/lab');
  if (preferred !== null) {
    try {
      mkdirSync(preferred, { recursive: true, mode: 0o700 });
      accessSync(preferred, constants.W_OK);
      return preferred;
    } catch (error) {
      console.error(
        `${preferred} cannot be used (${error.code}); the data lies in ${join(setupDir, 'lab-data')} instead.`,
      );
    }
  }
  const local = join(setupDir, 'lab-data');
  mkdirSync(local, { recursive: true, mode: 0o700 });
  return local;
}
