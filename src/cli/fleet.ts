import { type Command, readCommandLine, UsageError } from './command.ts';
import type { ExecutionWork, PlanWork, RunWork } from './fleet/work.ts';
import { choiceOptions, placeOptions, placeOptionsHelp, readPlace, readTag } from './rotation/arguments.ts';

const helpText = `keyturn fleet: rotates many secrets in waves, with limits for each target

Usage: keyturn fleet plan [PREFIX] --out FILE [OPTIONS]
       keyturn fleet start PLAN --here | --state-machine ARN [OPTIONS]
       keyturn fleet watch EXECUTION
       keyturn fleet stop EXECUTION
       keyturn fleet redrive EXECUTION
       keyturn fleet report PLAN

plan writes a file: which secrets are rotated in which order. It shows which secrets are left out, and how long it takes.
start runs the file from this machine (--here), or on AWS Step Functions. Secrets that were rotated since the plan was
made are left alone. So after a run that failed or was stopped, start the same plan again. redrive continues an execution
that failed or was stopped, from where it ended. report asks Secrets Manager what is done.

Options of plan:
  --out FILE        Where the plan goes; without it the plan is only shown
  --tag KEY[=VALUE] Only secrets with this tag; can be repeated, and all must be there
  --function ARN    Only secrets that this function rotates; can be repeated
  --account ID      Only secrets of this account
  --older-than DAYS Only secrets that were not rotated for this many days
  --regions LIST    Regions, separated by commas (or repeat --region); a plan for Step Functions has one
  --waves LIST      Waves (default: canary,10,100): one of each target, then percent of each target's secrets
  --per-target N    How many secrets of a target are rotated at once (default: 1)
  --at-once N       How many in all (default: 50)
  --tolerate PERCENT  How many percent of a wave's targets may fail before the run stops (default: 10)
  --share PERCENT   How much of AWS's quotas to use (default: 92)
  --group-by WHAT   Which secrets are one target: those of one host (the default; reads each value), function, or tag:KEY
  --preflight       Have the functions look at each secret's target first

Options of start:
  --here            Run from this machine
  --state-machine ARN  Run on Step Functions, by the state machine that fleet.yaml makes

Options of all:
  --profile NAME    A profile of the AWS CLI; plan, start --here and report take one for each account
${placeOptionsHelp}watch exits with 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP. start --here waits for the rotations that have
begun, and exits with 1; after a second signal it exits at once, with the numbers of watch. report exits with 3 if secrets
are left.

Examples:
  keyturn fleet plan prod/ --out plan.json
  keyturn fleet plan --profile shop --profile bank --region eu-west-1 --region us-east-1 --out plan.json
  keyturn fleet start plan.json --state-machine arn:aws:states:eu-west-1:123456789012:stateMachine:keyturn-fleet
  keyturn fleet watch arn:aws:states:eu-west-1:123456789012:execution:keyturn-fleet:fleet-20260102-1a2b
  keyturn fleet report plan.json --json | jq .counts
`;

/** `keyturn fleet`: rotates many secrets. */
export const fleetCommand: Command = {
  name: 'fleet',
  summary: 'Rotate many secrets in waves',
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...placeOptions,
    ...choiceOptions,
    region: { type: 'string', multiple: true, default: [] as string[] },
    profile: { type: 'string', multiple: true, default: [] as string[] },
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
  const regions = [...values.region, values.regions ?? ''].flatMap((list) => list.split(',')).filter(Boolean);
  const { profile: profiles } = values;
  const place = readPlace({ ...values, region: regions[0] });
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
      regions: [...new Set(regions)],
      profiles: [...new Set(profiles)],
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
    const work: RunWork = { ...place, profiles, file: requireSubject('PLAN') };
    if (machine === undefined) return (await import('./fleet/here.ts')).startHere(work);
    requireOne(profiles);
    requireArn('--state-machine', 'stateMachine', machine);
    return (await import('./fleet/step-functions.ts')).start(work, machine);
  }
  if (verb === 'watch' || verb === 'stop' || verb === 'redrive') {
    const execution = requireSubject('EXECUTION');
    requireArn('EXECUTION', 'execution', execution);
    requireOne(profiles);
    const work: ExecutionWork = { ...place, execution, profile: profiles[0] };
    return (await import('./fleet/step-functions.ts'))[verb](work);
  }
  if (verb === 'report') {
    const work: RunWork = { ...place, profiles, file: requireSubject('PLAN') };
    return (await import('./fleet/here.ts')).report(work);
  }
  throw new UsageError('say what to do: fleet plan, start, watch, stop, redrive or report');
}

/** A state machine has one account. */
function requireOne(profiles: readonly string[]): void {
  if (profiles.length > 1)
    throw new UsageError('Step Functions takes one --profile: a state machine has one account');
}

/**
 * The ARN of an execution has no slash. One with a slash is a target's execution, inside of another execution.
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
 */
function requireArn(option: string, kind: 'stateMachine' | 'execution', text: string): void {
  const name = kind === 'execution' ? '[^:/]+:[^:/]+' : '[^:/]+';
  if (new RegExp(`^arn:[^:]+:states:[^:]+:\\d{12}:${kind}:${name}$`).test(text)) return;
  const form = kind === 'execution' ? 'execution:NAME:RUN' : 'stateMachine:NAME';
  throw new UsageError(`${option} must be like arn:aws:states:REGION:ACCOUNT:${form}, not '${text}'`);
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
