import { type Command, readCommandLine } from './command.ts';
import {
  readSecretArguments,
  readTimeout,
  secretOptions,
  secretOptionsHelp,
  timeoutOption,
} from './rotation/arguments.ts';

const helpText = `keyturn rotate: rotates a secret now, and follows the rotation to its end

Usage: keyturn rotate SECRET [OPTIONS]

If an earlier rotation is not complete, Secrets Manager continues that one. If rotation was turned off meanwhile, this
turns it on again. If the rotation does not succeed, the function is asked why.

Options:
  --timeout SECONDS How long to follow the rotation (default: 120); Secrets Manager goes on by itself
${secretOptionsHelp}
Examples:
  keyturn rotate prod/orders/Postgres
  keyturn rotate dev/demo/Postgres --endpoint http://127.0.0.1:4584 --json
`;

/** `keyturn rotate`: rotates a secret whose rotation is on. */
export const rotateCommand: Command = {
  name: 'rotate',
  summary: 'Rotate a secret now',
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, { ...secretOptions, ...timeoutOption });
  const target = readSecretArguments(values, positionals);
  const timeoutMs = readTimeout(values.timeout);
  // Loaded here, so that help and mistakes are answered at once.
  const [{ rotate }, { withTools }] = await Promise.all([
    import('./rotation/rotate.ts'),
    import('./rotation/tools.ts'),
  ]);
  return withTools(target, (tools) => rotate(tools, { secret: target.secret, timeoutMs }));
}
