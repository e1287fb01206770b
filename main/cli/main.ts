import { AppError, asAppError, toErrorBody } from '../../shared/errors.ts';
import { type Arguments, readArguments } from './arguments.ts';
import { doctor } from './doctor.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { labMigrate } from './lab-migrate.ts';
import { labMutate } from './lab-mutate.ts';
import { labServe } from './lab-serve.ts';
import { jobs, migrate } from './migrate.ts';
import { scheduleAdd, scheduleList, scheduleRemove, scheduleShow } from './schedule.ts';
import { serve } from './serve.ts';
import { siteAdd, siteList, siteRemove, siteTest } from './site.ts';
import { locatePrograms, readVersion, type Surroundings } from './surroundings.ts';
import { vmList, vmShow } from './vm.ts';

const usage = `Usage: ossea VERB

  serve [--lab [--lab-source vcenter|images]] [--port N] [--data-dir DIR] [--json]
                                                       the daemon, on 127.0.0.1:8090 unless told
  lab serve --dir DIR [--port N] [--devices file]      the demo environment
  lab migrate VM...|--all [--copies N] [--adversary] [--json]
                                                       migrate demo VMs with proof, on a daemon of its own;
                                                       --adversary: while disks exchange their names all the time
  lab mutate VM [--bytes N] [--extents N] [--zero] [--unaligned] [--grow GIB] [--seed N] [--dir DIR] [--json]
                                                       bytes of a VM in the lab's vCenter change
  site list | test NAME | remove NAME [--data-dir DIR] [--json]
                                                       vCenters; test shows each step of the connection
  site add NAME --url URL --user USER [--accept SHA256] [--password-file FILE|-] [--data-dir DIR]
                                                       shows the certificate, and asks
  vm list | show VM [--data-dir DIR] [--json]          the VMs of all sources
  schedule add VM --cron 'M H D M W' [--zone ZONE] [--jitter SECONDS] [--keep-attached]
                                                       replicate a VM by a timetable, on the clocks of an IANA zone
  schedule list | show VM|ID | remove VM|ID            what is due next, what was started, what was skipped and why
  migrate VM [--data-dir DIR] [--no-wait] [--json]     ask the daemon of a data directory
  jobs [--data-dir DIR] [--json]                       its migrations
  doctor [--data-dir DIR] [--json]                     what this machine has of what is needed
`;

const ofTwoWords = ['lab', 'schedule', 'site', 'vm'];

type Verb = (args: Arguments, around: Surroundings) => Promise<number> | number;

function verbOf(args: Arguments): Verb {
  const [first, second] = args.words;
  const verbs: Readonly<Record<string, Verb>> = {
    serve,
    migrate,
    jobs,
    doctor,
    'lab serve': labServe,
    'lab migrate': labMigrate,
    'site list': siteList,
    'site add': siteAdd,
    'site test': siteTest,
    'site remove': siteRemove,
    'schedule add': scheduleAdd,
    'schedule list': scheduleList,
    'schedule show': scheduleShow,
    'schedule remove': scheduleRemove,
    'vm list': vmList,
    'vm show': vmShow,
    'lab mutate': labMutate,
  };
  const verb = verbs[ofTwoWords.includes(first ?? '') ? `${first ?? ''} ${second ?? ''}` : (first ?? '')];
  if (verb === undefined)
    throw new AppError('INVALID_REQUEST', `Unknown verb "${args.words.slice(0, 2).join(' ')}".\n\n${usage}`);
  return verb;
}

function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      stopping.abort(new AppError('CANCELLED', `Stopped by ${name}.`));
    });
  }
  return stopping.signal;
}

const isInterruption = ({ code }: AppError): boolean => code === 'CANCELLED' || code === 'SHUTTING_DOWN';

async function run(): Promise<number> {
  // Database, logs and tokens are for this user alone.
  process.umask(0o077);
  const programs = locatePrograms(process.argv[1] ?? '');
  const signal = stopSignal();
  const around: Surroundings = {
    programs,
    version: readVersion(programs),
    env: process.env,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    redraws: process.stderr.isTTY,
    signal,
  };
  let json = false;
  try {
    const args = readArguments(process.argv.slice(2));
    json = args.json;
    if (args.help || args.words.length === 0) {
      around.out(usage);
      return args.help ? exitCodes.done : exitCodes.usage;
    }
    return await verbOf(args)(args, around);
  } catch (thrown) {
    const error = asAppError(thrown);
    // Anything else that goes wrong while it stops is said.
    if (signal.aborted && isInterruption(error)) return exitCodes.interrupted;
    const body = toErrorBody(error);
    if (json) around.out(`${JSON.stringify(body)}\n`);
    around.err(`${body.code}: ${body.error}\n  Cause: ${body.cause ?? '-'}\n  Remedy: ${body.remedy}\n`);
    if (error.code === 'INTERNAL' && thrown instanceof Error) around.err(`${thrown.stack ?? ''}\n`);
    return exitCodeOf(error);
  }
}

run().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = exitCodes.internal;
  },
);
