import { type Command, readCommandLine, UsageError } from './command.ts';
import type { PlanWork, RunWork } from './fleet/work.ts';
import { choiceOptions, placeOptions, placeOptionsHelp, readPlace, readTag } from './rotation/arguments.ts';

const HELP = `keyturn fleet: rotates many secrets in waves, each target only so fast as it takes it

Usage: keyturn fleet plan [PREFIX] --out FILE [OPTIONS]
       keyturn fleet start PLAN --here | --state-machine ARN [OPTIONS]
       keyturn fleet watch EXECUTION
       keyturn fleet stop EXECUTION
       keyturn fleet report PLAN

plan writes which secrets are rotated in which order, and tells what blocks and how long it takes. start runs that
file: from this machine (--here), or on AWS Step Functions. What was rotated since the plan was made is left alone, so a
run that was stopped or failed is begun again with the same plan. report asks Secrets Manager what is done.

Options of plan:
  --out FILE        Where the plan goes; without it the plan is only shown
  --tag KEY[=VALUE] Only secrets with this tag; can be repeated, and all must be there
  --function ARN    Only secrets that this function rotates; can be repeated
  --account ID      Only secrets of this account
  --older-than DAYS Only secrets that were not rotated for so many days
  --regions LIST    These regions, with commas; a plan for Step Functions has one
  --waves LIST      Waves (default: canary,10,100): one of each target, then percent of each target's secrets
  --per-target N    How many secrets of a target are rotated at once (default: 1)
  --at-once N       How many in all (default: 50)
  --tolerate PERCENT  Of a wave's targets, so many may fail before the run stops (default: 10)
  --share PERCENT   How much of AWS's quotas is used (default: 92)
  --group-by WHAT   host (the default, for which each value is read), function, or tag:KEY
  --preflight       Have the functions look at each secret's target first

Options of start:
  --here            Run from this machine
  --state-machine ARN  Run on Step Functions, by the state machine that fleet.yaml makes
${placeOptionsHelp}
Examples:
  keyturn fleet plan prod/ --out plan.json
  keyturn fleet start plan.json --state-machine arn:aws:states:eu-west-1:123456789012:stateMachine:keyturn-fleet
  keyturn fleet watch arn:aws:states:eu-west-1:123456789012:execution:keyturn-fleet:fleet-20260102-1a2b
  keyturn fleet report plan.json --json | jq .counts
`;

/** `keyturn fleet`: rotates many secrets. */
export const fleetCommand: Command = {
  name: 'fleet',
  summary: 'Rotate many secrets in waves',
  help: HELP,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...placeOptions,
    ...choiceOptions,
    out: { type: 'string' },
    function: { type: 'string', multiple: true, default: [] as string[] },
    account: { type: 'string' },
    'older-than': { type: 'string' },
    regions: { type: 'string' },
    waves: { type: 'string', default: 'canary,10,100' },
    'per-target': { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '50' },
    tolerate: { type: 'string', default: '10' },
    share: { type: 'string', default: '92' },
    'group-by': { type: 'string', default: 'host' },
    preflight: { type: 'boolean', default: false },
    here: { type: 'boolean', default: false },
    'state-machine': { type: 'string' },
  });
  const [verb = '', subject, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`one PREFIX, PLAN or EXECUTION at a time, without '${more[0]}'`);
  const place = readPlace(values);
  const requireSubject = (what: string): string => {
    if (subject === undefined || subject === '')
      throw new UsageError(`name the ${what}: fleet ${verb} ${what}`);
    return subject;
  };
  if (verb === 'plan') {
    const { out, account, preflight } = values;
    const olderThan = values['older-than'];
    const work: PlanWork = {
      ...place,
      out,
      prefix: subject,
      tags: values.tag.map(readTag),
      functions: values.function,
      account,
      olderThanDays: olderThan === undefined ? undefined : readNumber('--older-than', olderThan, 0, 36_500),
      regions: values.regions?.split(',').filter(Boolean),
      waves: readWaves(values.waves),
      perTarget: readNumber('--per-target', values['per-target'], 1, 40),
      atOnce: readNumber('--at-once', values['at-once'], 1, 1000),
      toleratedPercent: readNumber('--tolerate', values.tolerate, 0, 100),
      quotaShare: readNumber('--share', values.share, 1, 100) / 100,
      groupBy: readGrouping(values['group-by']),
      preflight,
    };
    const { plan } = await import('./fleet/plan.ts');
    return plan(work);
  }
  if (verb === 'start') {
    const machine = values['state-machine'];
    if (values.here === (machine !== undefined)) {
      throw new UsageError('say where it runs: --here, or --state-machine ARN');
    }
    const work: RunWork = { ...place, file: requireSubject('PLAN') };
    if (machine === undefined) return (await import('./fleet/here.ts')).startHere(work);
    return (await import('./fleet/step-functions.ts')).start(work, machine);
  }
  if (verb === 'watch' || verb === 'stop') {
    const execution = requireSubject('EXECUTION');
    const module = await import('./fleet/step-functions.ts');
    return verb === 'watch' ? module.watch(place, execution) : module.stop(place, execution);
  }
  if (verb === 'report') {
    const work: RunWork = { ...place, file: requireSubject('PLAN') };
    return (await import('./fleet/here.ts')).report(work);
  }
  throw new UsageError('say what to do: fleet plan, start, watch, stop or report');
}

function readNumber(option: string, text: string, least: number, most: number): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new UsageError(`${option} must be a whole number from ${least} to ${most}, not '${text}'`);
}

function readWaves(text: string): PlanWork['waves'] {
  const waves = text.split(',').map((wave) => {
    const [, percent] = /^(\d{1,3})%?$/.exec(wave) ?? [];
    return wave === 'canary' ? wave : Number(percent);
  });
  const shares = waves.filter((wave) => typeof wave === 'number');
  const isRising = shares.every((share, index) => share > (shares[index - 1] ?? 0) && share <= 100);
  if (isRising && shares.at(-1) === 100 && !waves.slice(1).includes('canary')) return waves;
  throw new UsageError(`--waves must be like canary,10,100, rising and with 100 at its end, not '${text}'`);
}

function readGrouping(text: string): PlanWork['groupBy'] {
  if (text === 'host' || text === 'function') return text;
  const [, key] = /^tag:(.+)$/.exec(text) ?? [];
  if (key !== undefined) return { tag: key };
  throw new UsageError(`--group-by must be host, function or tag:KEY, not '${text}'`);
}
