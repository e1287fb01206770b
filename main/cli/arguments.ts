import { parseArgs } from 'node:util';
import { AppError } from '../../shared/errors.ts';

const options = {
  lab: { type: 'boolean', default: false },
  port: { type: 'string' },
  'data-dir': { type: 'string' },
  dir: { type: 'string' },
  all: { type: 'boolean', default: false },
  copies: { type: 'string' },
  adversary: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  'no-wait': { type: 'boolean', default: false },
  devices: { type: 'string' },
  seed: { type: 'string' },
  'take-over': { type: 'boolean', default: false },
  bytes: { type: 'string' },
  extents: { type: 'string' },
  grow: { type: 'string' },
  zero: { type: 'boolean', default: false },
  unaligned: { type: 'boolean', default: false },
  url: { type: 'string' },
  user: { type: 'string' },
  accept: { type: 'string' },
  'password-file': { type: 'string' },
  'lab-source': { type: 'string' },
  role: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

export type Arguments = {
  readonly words: readonly string[];
  readonly lab: boolean;
  readonly port: number | null;
  readonly dataDir: string | null;
  readonly dir: string | null;
  readonly all: boolean;
  readonly copies: number;
  readonly adversary: boolean;
  readonly json: boolean;
  readonly wait: boolean;
  readonly devices: 'file' | undefined;
  readonly seed: number | undefined;
  readonly takeOver: boolean;
  /** Of `lab mutate`; what is not given is left to the lab. */
  readonly mutation: {
    readonly bytes: number | undefined;
    readonly extents: number | undefined;
    readonly growGib: number | undefined;
    readonly zero: boolean;
    readonly unaligned: boolean;
  };
  /** Of `site add`: address, user, the SHA-256 of the certificate that is accepted, where the password lies (`-`: standard input). */
  readonly url: string | null;
  readonly user: string | null;
  readonly accept: string | null;
  readonly passwordFile: string | null;
  readonly labSource: 'vcenter' | 'images' | null;
  /** Of `serve`: the appliance at CloudStack's side, or the agent at VMware's. */
  readonly role: 'oma' | 'vma';
  readonly help: boolean;
};

function whole(name: string, text: string | undefined, { from, to }: { from: number; to: number }): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isInteger(value) || value < from || value > to) {
    throw new AppError(
      'INVALID_REQUEST',
      `--${name} takes a whole number from ${String(from)} to ${String(to)}, not "${text}".`,
    );
  }
  return value;
}

export function readArguments(argv: readonly string[]): Arguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    throw new AppError('INVALID_REQUEST', error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (values.devices !== undefined && values.devices !== 'file') {
    throw new AppError('INVALID_REQUEST', '--devices takes only "file".');
  }
  return {
    words: positionals,
    lab: values.lab,
    takeOver: values['take-over'],
    port: whole('port', values.port, { from: 0, to: 65535 }),
    dataDir: values['data-dir'] ?? null,
    dir: values.dir ?? null,
    all: values.all,
    copies: whole('copies', values.copies, { from: 1, to: 1000 }) ?? 0,
    adversary: values.adversary,
    json: values.json,
    wait: !values['no-wait'],
    devices: values.devices,
    seed: whole('seed', values.seed, { from: 0, to: 0xffff_ffff }) ?? undefined,
    mutation: {
      bytes: whole('bytes', values.bytes, { from: 1, to: 1024 ** 4 }) ?? undefined,
      extents: whole('extents', values.extents, { from: 0, to: 10_000 }) ?? undefined,
      growGib: whole('grow', values.grow, { from: 1, to: 16_384 }) ?? undefined,
      zero: values.zero,
      unaligned: values.unaligned,
    },
    url: values.url ?? null,
    user: values.user ?? null,
    accept: values.accept ?? null,
    passwordFile: values['password-file'] ?? null,
    labSource: labSourceOf(values['lab-source']),
    role: roleOf(values.role),
    help: values.help,
  };
}

function labSourceOf(value: string | undefined): Arguments['labSource'] {
  if (value === undefined || value === 'vcenter' || value === 'images') return value ?? null;
  throw new AppError('INVALID_REQUEST', '--lab-source takes "vcenter" or "images".');
}

function roleOf(value = 'oma'): Arguments['role'] {
  if (value === 'oma' || value === 'vma') return value;
  throw new AppError('INVALID_REQUEST', '--role takes "oma" or "vma".');
}

const parse = (argv: readonly string[]) =>
  parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
