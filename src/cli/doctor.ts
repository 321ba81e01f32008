import { type Command, readCommandLine, UsageError } from './command.ts';
import {
  choiceOptions,
  findingOptionsHelp,
  readChosen,
  readPlace,
  readTimeout,
  secretOptions,
  timeoutOption,
} from './rotation/arguments.ts';

const helpText = `keyturn doctor: finds out why a rotation is stuck, failing or overdue, and says the safe step

Usage: keyturn doctor [SECRET] [OPTIONS]

Without SECRET it examines all secrets that are stuck or overdue. It looks at the secret and its resource policy, the
function with its policy, concurrency and log, the VPC and the KMS key, and has the function look at the target. It names
what you may not look at, and looks at the rest. Causes are listed by likelihood, each with a step that loses no
credential. Nothing is changed without --fix.

Options:
  --fix             Do what is safe: rotate again, or take AWSPENDING off a version without a value
  --no-preflight    Don't have the function look at the target, which means a login there
  --all             All secrets, also those that look healthy
  --tag KEY[=VALUE] Without SECRET, only secrets with this tag; can be repeated, and all must be there
  --timeout SECONDS With --fix, how long to follow a rotation (default: 120)
${findingOptionsHelp}
Examples:
  keyturn doctor prod/orders/Postgres
  keyturn doctor --tag team=shop --json | jq -r '.secrets[] | [.name, .causes[0].cause] | @tsv'
  keyturn doctor dev/demo/Postgres --endpoint http://127.0.0.1:4584 --fix
`;

/** `keyturn doctor`: finds the cause of a rotation that does not succeed. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Find out why a secret is not rotated, and what to do',
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...secretOptions,
    ...choiceOptions,
    ...timeoutOption,
    fix: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    'no-preflight': { type: 'boolean', default: false },
  });
  const [secret] = positionals;
  if (secret !== undefined && (values.all || values.tag.length > 0)) {
    throw new UsageError('--all and --tag choose among all secrets: give no SECRET');
  }
  const chosen = readChosen({ ...values, all: secret === undefined }, positionals);
  const place = readPlace(values);
  const settings = {
    chosen,
    healthyToo: values.all,
    fix: values.fix,
    preflight: !values['no-preflight'],
    timeoutMs: readTimeout(values.timeout),
  };
  // Loaded here, so that help and mistakes are answered at once.
  const [{ doctor }, { withTools }] = await Promise.all([
    import('./doctor/doctor.ts'),
    import('./rotation/tools.ts'),
  ]);
  return withTools({ ...place, ...(secret === undefined ? {} : { secret }) }, (tools) =>
    doctor(tools, settings),
  );
}
