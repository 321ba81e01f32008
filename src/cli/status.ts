import { parseArgs } from 'node:util';
import type { Command } from './command.ts';
import { readSecretArguments, secretOptions, secretOptionsHelp } from './rotation/arguments.ts';

const HELP = `keyturn status: tells how the rotation of a secret stands, and what to do about it

Usage: keyturn status SECRET [OPTIONS]

Shows labels, the versions' ages, dates, and what an AWSPENDING means that is stuck. It changes nothing. Secrets
Manager keeps no error of a rotation; with --preflight the function says what is wrong now.

Options:
  --preflight       Have the function look at the current version, which means a login at the target
${secretOptionsHelp}
Examples:
  keyturn status prod/orders/Postgres
  keyturn status dev/demo/Postgres --endpoint http://127.0.0.1:4584 --preflight
  keyturn status prod/orders/Postgres --json | jq -r .state
`;

/** `keyturn status`: tells how the rotation of a secret stands. */
export const statusCommand: Command = {
  name: 'status',
  summary: "Tell how a secret's rotation stands",
  help: HELP,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...secretOptions, preflight: { type: 'boolean', default: false } },
  });
  const target = readSecretArguments(values, positionals);
  // Loaded here, so that help and mistakes are answered at once.
  const [{ status }, { withTools }] = await Promise.all([
    import('./rotation/status.ts'),
    import('./rotation/tools.ts'),
  ]);
  const { preflight } = values;
  return withTools(target, (tools) => status(tools, { secret: target.secret, preflight }));
}
