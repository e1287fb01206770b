import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { type Figure, median, type Ratio, type Table } from './measure.ts';

const mib = 1024 ** 2;

export type Machine = {
  readonly measured_at: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly node: string;
  /** Runnable processes over the last minute when the run began: more than a few tenths means that others worked here. */
  readonly load_before: number;
  readonly files: string;
  readonly rounds: number;
};

export function describeMachine(how: { readonly files: string; readonly rounds: number }): Machine {
  return {
    measured_at: new Date().toISOString(),
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 1024 ** 3),
    kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim().split('-')[0] ?? '',
    node: process.version,
    load_before: loadavg()[0] ?? Number.NaN,
    ...how,
  };
}

export function asText(machine: Machine, tables: readonly Table[]): string {
  const about = `${machine.measured_at}  ${machine.cores} cores, ${machine.memory_gib} GiB, Linux ${machine.kernel}, Node ${machine.node}, load before ${machine.load_before.toFixed(2)}, files on ${machine.files}, ${machine.rounds} rounds`;
  return [about, ...tables.map(tableText)].join('\n\n');
}

function tableText({ id, title, figures, ratios, notes }: Table): string {
  const width = Math.max(10, ...figures.map(({ name }) => name.length));
  return [
    `${id}: ${title}`,
    `  ${''.padEnd(width)}    median s        min - max      MiB/s`,
    ...figures.map((figure) => `  ${figure.name.padEnd(width)}  ${figureText(figure)}`),
    ...ratios.map((ratio) => `  ${ratioText(ratio)}`),
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}

function figureText({ seconds, bytes }: Figure): string {
  const middle = median(seconds);
  const spread = `${Math.min(...seconds).toFixed(3)} - ${Math.max(...seconds).toFixed(3)}`;
  const rate = bytes === null ? '' : (bytes / mib / middle).toFixed(0);
  return `${middle.toFixed(3).padStart(10)}  ${spread.padStart(15)}  ${rate.padStart(9)}`;
}

const ratioText = ({ text, value, rounds, aim }: Ratio): string =>
  `${text} = ${value.toFixed(2)}, by round ${Math.min(...rounds).toFixed(2)} - ${Math.max(...rounds).toFixed(2)}${aim === null ? '' : `   (aim: ${aim})`}`;

export function asDocument(machine: Machine, tables: readonly Table[]): object {
  return {
    machine,
    rows: tables.map(({ id, title, figures, ratios, notes }) => ({
      id,
      title,
      figures: figures.map(({ name, seconds, bytes }) => ({
        name,
        median_seconds: median(seconds),
        min_seconds: Math.min(...seconds),
        max_seconds: Math.max(...seconds),
        seconds,
        mib_per_second: bytes === null ? null : bytes / mib / median(seconds),
      })),
      ratios,
      notes,
    })),
  };
}
