import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { bundle } from './bundle.mjs';
import { check } from './check.mjs';
import { runInOurPlace } from './child.mjs';
import { openDisplay } from './display.mjs';
import { makeEnvironment } from './environment.mjs';
import { repository, testOutputDir } from './setup/paths.mjs';
import { SetupError } from './setup/run.mjs';
import { runCommand, setUp } from './setup.mjs';

/** In this order; the seconds are what a suite should need on two cores. They are printed, never asserted. */
const suites = [
  { name: 'unit', budgetSeconds: 60 },
  { name: 'contract', budgetSeconds: 90 },
  { name: 'rules', budgetSeconds: 200 },
  { name: 'integration', budgetSeconds: 180 },
  { name: 'chaos', budgetSeconds: 240 },
  { name: 'e2e', budgetSeconds: 60 },
];
const soak = [{ name: 'soak', budgetSeconds: 3600 }];
const checkBudgetSeconds = 60;

await runCommand(async () => {
  const wanted = readArguments(process.argv.slice(2));
  await setUp({ purpose: 'test' });
  const rows = [];
  if (wanted.check) rows.push(...(await checkRows()));
  await bundle();
  const display = await openDisplay(makeEnvironment());
  try {
    for (const suite of wanted.suites) rows.push(await runSuite(suite, display.environment, wanted.filters));
  } finally {
    await display.close();
  }
  return summary(rows);
});

function readArguments(words) {
  const filters = [];
  let chosen = null;
  let isSoak = false;
  for (let index = 0; index < words.length; index += 1) {
    if (words[index] === '--soak') isSoak = true;
    else if (words[index] === '--only') {
      index += 1;
      chosen = words[index] ?? '';
    } else if (words[index].startsWith('-'))
      throw new SetupError(`Unknown: ${words[index]}. Use: npm test [-- --soak | --only SUITE [FILE...]]`);
    else filters.push(words[index]);
  }
  if (isSoak) return { check: false, suites: soak, filters };
  if (chosen === null) return { check: true, suites, filters };
  if (chosen === 'check') return { check: true, suites: [], filters };
  const only = suites.filter((suite) => chosen.split(',').includes(suite.name));
  if (only.length === 0)
    throw new SetupError(
      `There is no suite "${chosen}". There are: check, ${suites.map((suite) => suite.name).join(', ')}.`,
    );
  return { check: false, suites: only, filters };
}

async function checkRows() {
  const started = Date.now();
  const results = await check();
  return [
    {
      name: 'check',
      passed: results.filter((result) => result.ok).length,
      failed: results.filter((result) => !result.ok).length,
      failures: results.filter((result) => !result.ok).map(({ name }) => `check ${name}: see above`),
      skipped: [],
      seconds: (Date.now() - started) / 1000,
      budgetSeconds: checkBudgetSeconds,
    },
  ];
}

async function runSuite(suite, environment, filters) {
  console.log(`\n== ${suite.name} (budget ${suite.budgetSeconds} s)`);
  const report = join(testOutputDir, `${suite.name}.json`);
  mkdirSync(testOutputDir, { recursive: true });
  rmSync(report, { force: true });
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
  const args = [
    'run',
    '--project',
    suite.name,
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...filters,
  ];
  const started = Date.now();
  const code = await runInOurPlace([process.execPath, vitest, ...args], { env: environment, cwd: repository });
  return { ...suite, seconds: (Date.now() - started) / 1000, ...readReport(report, code) };
}

function readReport(report, code) {
  // No tests at all, or a runner that broke: vitest's own code decides.
  if (!existsSync(report)) {
    const failures = code === 0 ? [] : ['the test runner broke: see above'];
    return { passed: 0, failed: failures.length, failures, skipped: [] };
  }
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const tests = testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ ...test, file: relative(repository, file.name) })),
  );
  const failed = tests
    .filter((test) => test.status === 'failed')
    .map((test) => `${test.file} > ${test.fullName}: ${firstLines(test.failureMessages.join('\n'))}`);
  const brokenFiles = testResults
    .filter((file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'))
    .map((file) => `${relative(repository, file.name)}: ${firstLines(file.message)}`);
  const known = [...failed, ...brokenFiles];
  const failures = code !== 0 && known.length === 0 ? [`the test runner ended with ${code}: see above`] : known;
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: failures.length,
    failures,
    skipped: tests
      .filter((test) => !['passed', 'failed'].includes(test.status))
      .map((test) => `${test.file} > ${test.fullName}`),
  };
}

/** Enough of a long message to know what failed where only the end of the output is kept. */
function firstLines(text) {
  return text.split('\n').slice(0, 6).join('\n    ').slice(0, 800);
}

function summary(rows) {
  const permitted = JSON.parse(readFileSync(join(repository, 'build/permitted-skips.json'), 'utf8'));
  const skipped = rows.flatMap((row) => row.skipped);
  const forbidden = skipped.filter((name) => !permitted.some((one) => one.test === name));
  console.log('\nsuite         passed  failed  skipped   seconds   budget');
  for (const row of rows) {
    const figures = [
      String(row.passed).padStart(6),
      String(row.failed).padStart(7),
      String(row.skipped.length).padStart(8),
      row.seconds.toFixed(1).padStart(9),
      String(row.budgetSeconds).padStart(8),
    ];
    console.log(
      `${row.name.padEnd(13)} ${figures.join(' ')}${row.seconds > row.budgetSeconds ? '   over budget' : ''}`,
    );
  }
  for (const name of skipped) {
    const reason = permitted.find((one) => one.test === name)?.reason;
    console.log(reason === undefined ? `skip that is not permitted: ${name}` : `skipped: ${name} (${reason})`);
  }
  for (const failure of rows.flatMap((row) => row.failures)) console.log(`failed: ${failure}`);
  const passed = rows.reduce((sum, row) => sum + row.passed, 0);
  // A skip that nobody permitted is a test that did not run: it counts as failed.
  const failed = rows.reduce((sum, row) => sum + row.failed, 0) + forbidden.length;
  const rest = skipped.length - forbidden.length;
  console.log(`${passed} passed, ${failed} failed${rest > 0 ? `, ${rest} skipped` : ''}`);
  return failed === 0 && passed > 0 ? 0 : 1;
}
