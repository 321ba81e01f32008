import { type Command, readCommandLine, UsageError } from './command.ts';
import { maskOption, readMaskStream } from './masking.ts';
import { placeOptions, placeOptionsHelp, readPlace } from './rotation/arguments.ts';

const helpText = `keyturn get: prints the value of a secret, or a part of it

Usage: keyturn get REFERENCE [OPTIONS]

A REFERENCE is written as in a placeholder of keyturn render: prod/db, prod/db#password, prod/db#@url,
prod/db@AWSPREVIOUS, prod/db#cert|base64. In a pipe or a file the value is printed as it is, byte for byte. On a terminal
credentials are masked.

Options:
  --show            Show credentials on a terminal too
  --masks WHERE     Where to print the lines that make GitHub Actions and Azure Pipelines mask the value in the log:
                    stderr (the default) or none
${placeOptionsHelp}
Examples:
  keyturn get prod/db
  keyturn get prod/db#cert > cert.pem
  PGPASSWORD=$(keyturn get prod/db#password) psql ...
`;

/** `keyturn get`: prints the value of a secret. */
export const getCommand: Command = { name: 'get', summary: "Print a secret's value", help: helpText, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...placeOptions,
    ...maskOption,
    show: { type: 'boolean', default: false },
  });
  const [reference, ...more] = positionals;
  if (reference === undefined || reference === '')
    throw new UsageError('name the secret, by its name or its ARN');
  if (more.length > 0) throw new UsageError(`one secret at a time, without '${more[0]}'`);
  const masks = readMaskStream(values.masks, 'stderr');
  if (masks === 'stdout') throw new UsageError('--masks stdout would go into the output');
  const work = { ...readPlace(values), reference, show: values.show, masks };
  // Loaded here, so that help and mistakes are answered at once.
  const { get } = await import('./secrets/get.ts');
  return get(work);
}
