import type { Metrics } from '../../shared/contract/metrics.ts';

/** https://prometheus.io/docs/instrumenting/exposition_formats/ : text format 0.0.4. */
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/** Prometheus names text/plain or its own OpenMetrics type; a browser or a client of ours names JSON or anything. */
export const prefersText = (accept: string | undefined): boolean =>
  accept !== undefined && /text\/plain|openmetrics-text/.test(accept) && !accept.includes('application/json');

type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number };
type Family = {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  readonly samples: Sample[];
};

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const line = (name: string, { labels = {}, value }: Sample): string => {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${String(value)}`;
};

const gauge = (name: string, help: string, value: number): Family => ({
  name: `ossea_${name}`,
  help,
  type: 'gauge',
  samples: [{ value }],
});

const counted = (
  name: string,
  help: string,
  rows: readonly { readonly status: string; readonly count: number }[],
): Family => ({
  name: `ossea_${name}`,
  help,
  type: 'gauge',
  samples: rows.map(({ count, ...labels }) => ({ labels, value: count })),
});

export function prometheusText(metrics: Metrics): string {
  const families: Family[] = [
    counted('operations', 'Volume operations by type and status.', metrics.operations),
    counted('migrations', 'Migrations by status.', metrics.migrations),
    counted('volumes', 'Volumes in the records by status.', metrics.volumes),
    gauge('mappings_open', 'Volumes whose device is known.', metrics.mappings_open),
    gauge('exports_open', 'NBD exports that are open.', metrics.exports_open),
    gauge('devices_seen', 'Block devices of the appliance.', metrics.devices_seen),
    gauge('slots_in_use', 'Attached disks that unfinished migrations hold.', metrics.slots_in_use),
    gauge('slots_total', 'Attached disks the appliance takes.', metrics.slots_total),
    gauge('resident_bytes', 'Resident memory of the daemon.', metrics.resident_bytes),
    gauge('uptime_seconds', 'Time since the daemon started.', metrics.uptime_seconds),
    { ...gauge('cpu_seconds_total', 'CPU time of the daemon.', metrics.cpu_seconds), type: 'counter' },
    { ...gauge('events_total', 'Number of the newest event.', metrics.events_newest_seq), type: 'counter' },
  ];
  return families
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map((sample) => line(name, sample)),
    ])
    .map((text) => `${text}\n`)
    .join('');
}
