import { type Command, readCommandLine, UsageError } from './command.ts';
import {
  readSecretArguments,
  readTimeout,
  secretOptions,
  secretOptionsHelp,
  timeoutOption,
} from './rotation/arguments.ts';
import { makeSchedule } from './rotation/schedule.ts';

const helpText = `keyturn attach: has Secrets Manager rotate a secret with a function, after looking at everything first

Usage: keyturn attach SECRET --function ARN --every PERIOD [OPTIONS]

Looks at the secret and at the function, and shows what it will do. Then it sets function and schedule, and asks the
function whether a rotation would succeed. If so, it rotates. If not, the secret's rotation is put back as it was.

Options:
  --function ARN    The rotation function
  --every PERIOD    How often to rotate: 4h to 23976h, or 1d to 999d
  --at-hour HOUR    The hour of the day in UTC, 0 to 23, at which the window opens; then PERIOD is one of 4h, 6h, 8h,
                    12h, 1d, 7d (Sundays), 30d (the 1st of a month), 90d, 180d and 365d
  --window LENGTH   How long the window is, 1h to 24h; it ends by midnight UTC
  --no-immediate    Set and test only: the first rotation is by the schedule
  --timeout SECONDS How long to follow the rotation (default: 120); Secrets Manager goes on by itself
${secretOptionsHelp}
Examples:
  keyturn attach prod/orders/Postgres --function arn:aws:lambda:eu-west-1:123456789012:function:keyturn --every 30d
  keyturn attach prod/orders/Postgres --function arn:aws:lambda:eu-west-1:123456789012:function:keyturn \\
    --every 7d --at-hour 3 --window 2h --no-immediate
`;

/** `keyturn attach`: turns the rotation of a secret on. */
export const attachCommand: Command = {
  name: 'attach',
  summary: 'Have a secret rotated by a function',
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...secretOptions,
    ...timeoutOption,
    function: { type: 'string' },
    every: { type: 'string' },
    'at-hour': { type: 'string' },
    window: { type: 'string' },
    'no-immediate': { type: 'boolean', default: false },
  });
  const target = readSecretArguments(values, positionals);
  const attachment = {
    secret: target.secret,
    functionArn: readFunction(values.function),
    schedule: makeSchedule({ every: values.every, atHour: values['at-hour'], window: values.window }),
    immediately: !values['no-immediate'],
    timeoutMs: readTimeout(values.timeout),
  };
  // Loaded here, so that help and mistakes are answered at once.
  const [{ attach }, { withTools }] = await Promise.all([
    import('./rotation/attach.ts'),
    import('./rotation/tools.ts'),
  ]);
  return withTools(target, (tools) => attach(tools, attachment));
}

/** @throws UsageError */
export function readFunction(arn: string | undefined): string {
  if (arn === undefined) throw new UsageError('name the rotation function by its ARN: --function ARN');
  if (/^arn:[^:]+:lambda:[^:]+:\d{12}:function:[^:]+(:[^:]+)?$/.test(arn)) return arn;
  throw new UsageError(`--function must be the ARN of a Lambda function, not '${arn}'`);
}
