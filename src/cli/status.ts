import { type Command, readCommandLine } from './command.ts';
import {
  choiceOptions,
  findingOptionsHelp,
  readChosen,
  readPlace,
  secretOptions,
} from './rotation/arguments.ts';

const helpText = `keyturn status: tells how the rotation of a secret stands, and what to do about it

Usage: keyturn status SECRET [OPTIONS]
       keyturn status --all [PREFIX] [OPTIONS]

Shows labels, the ages of the versions, dates, and what a stuck AWSPENDING means. It changes nothing. Secrets Manager
keeps no error of a rotation. With --preflight the function says what is wrong now. keyturn doctor looks at everything
else.

Options:
  --preflight       Have the function look at the current version, which means a login at the target
  --all             All secrets, or those whose names begin with PREFIX
  --tag KEY[=VALUE] With --all, only secrets with this tag; can be repeated, and all must be there
${findingOptionsHelp}
Examples:
  keyturn status prod/orders/Postgres
  keyturn status dev/demo/Postgres --endpoint http://127.0.0.1:4584 --preflight
  keyturn status --all prod/ --json | jq -r '.secrets[] | select(.state != "healthy") | .name'
`;

/** `keyturn status`: tells how the rotation of a secret stands. */
export const statusCommand: Command = {
  name: 'status',
  summary: "Tell how a secret's rotation stands",
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...secretOptions,
    ...choiceOptions,
    preflight: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
  });
  const chosen = readChosen(values, positionals);
  const place = readPlace(values);
  // Loaded here, so that help and mistakes are answered at once.
  const [{ status }, { withTools }] = await Promise.all([
    import('./rotation/status.ts'),
    import('./rotation/tools.ts'),
  ]);
  const { preflight } = values;
  return withTools({ ...place, ...('secret' in chosen ? { secret: chosen.secret } : {}) }, (tools) =>
    status(tools, { chosen, preflight }),
  );
}
