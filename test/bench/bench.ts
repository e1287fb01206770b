import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { AppError, asAppError } from '../../shared/errors.ts';
import { daemonRow } from './daemon-row.ts';
import { hasherRow } from './hasher-row.ts';
import type { Table } from './measure.ts';
import { migrationRow, orchestrationRow } from './migration-rows.ts';
import { asDocument, asText, describeMachine } from './report.ts';
import { throttleRow } from './throttle-row.ts';
import { transferRow } from './transfer-row.ts';
import { vcenterRow } from './vcenter-row.ts';
import { windowRow } from './window-row.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const rows: Readonly<Record<string, (bench: Workbench) => Promise<Table>>> = {
  transfer: transferRow,
  throttle: throttleRow,
  migration: migrationRow,
  orchestration: orchestrationRow,
  window: windowRow,
  hasher: hasherRow,
  daemon: daemonRow,
  vcenter: vcenterRow,
};

const usage = `Use: npm run bench [-- [--only ROW[,ROW]] [--quick] [--rounds N] [--dir FOLDER] [--json]]
ROW: ${Object.keys(rows).join(', ')}. FOLDER: where images and devices lie, ${tmpdir()} unless told.
Figures are printed, never judged: nothing here fails because it was slow.`;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        dir: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const names = values.only?.split(',') ?? Object.keys(rows);
    const unknown = names.filter((name) => rows[name] === undefined);
    if (unknown.length > 0) throw new AppError('INVALID_REQUEST', `There is no row ${unknown.join(', ')}.`);
    const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
    if (!Number.isInteger(rounds) || rounds < 1)
      throw new AppError('INVALID_REQUEST', '--rounds takes a whole number.');
    return { ...values, names, rounds };
  } catch (error) {
    process.stderr.write(`${error instanceof AppError ? (error.reason ?? '') : String(error)}\n${usage}\n`);
    return null;
  }
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return 2;
  if (options.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  // Everything that is made here asks for the folder of temporary files.
  if (options.dir !== undefined) process.env['TMPDIR'] = options.dir;
  const stopping = new AbortController();
  // Not once: a terminal signals the whole group and our parent passes it on, and the second must not end the tidying up.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => stopping.abort(new AppError('CANCELLED', `Stopped by ${name}.`)));
  }
  const machine = describeMachine({ files: tmpdir(), rounds: options.rounds });
  const bench = openWorkbench({ signal: stopping.signal, rounds: options.rounds, quick: options.quick });
  const tables: Table[] = [];
  try {
    for (const name of options.names) {
      process.stderr.write(`${name}\n`);
      const table = await rows[name]?.(bench);
      if (table !== undefined) tables.push(table);
    }
  } finally {
    bench.remove();
    // Rows that were finished are told also when a later one failed or was stopped.
    process.stdout.write(
      options.json ? `${JSON.stringify(asDocument(machine, tables), null, 2)}\n` : `${asText(machine, tables)}\n`,
    );
  }
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const known = asAppError(error);
    process.stderr.write(`${known.code === 'INTERNAL' ? String(error) : `${known.code}: ${known.reason ?? ''}`}\n`);
    process.exitCode = 1;
  },
);
