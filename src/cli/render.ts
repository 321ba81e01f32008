import { type FormatName, formatNames } from '../render/format-names.ts';
import { type Command, readCommandLine, UsageError } from './command.ts';
import { maskOption, maskOptionHelp, readMaskStream } from './masking.ts';
import type { Purpose } from './render/work.ts';
import { placeOptions, placeOptionsHelp, readPlace } from './rotation/arguments.ts';

const helpText = `keyturn render: writes a configuration file out of a template and the secrets that it names

Usage: keyturn render TEMPLATE (-o FILE | --stdout | --check) [OPTIONS]

The template is the application's own file with placeholders in its values:
  \${secret:prod/db}                 the whole secret
  \${secret:prod/db#password}        one key of it; a.b for a key in a key
  \${secret:prod/db#@url}            a form made out of its fields: @url @ado-net @odbc @libpq @jdbc @json
  \${secret:prod/db#password@AWSPREVIOUS}   another version: a staging label or a version id
  \${secret:\${env}/db#port|number:-5432}     a variable, a filter, and a default if the secret or key is missing
  $\${secret:                         the text \${secret: itself

The file's name tells its format. Each value is escaped for that format; everything else stays byte for byte. All
problems are listed at once, with line and column, and then nothing is written.

Options:
  -o, --output FILE Write this file: at once or not at all, readable for you alone (0600)
  --stdout          Print the result instead
  --check           Only prove that every secret exists and may be read; no value is read
  --env NAME        The value of \${env}
  --var NAME=VALUE  The value of another variable; can be repeated
  --format FORMAT   ${formatNames.slice(0, 6).join(', ')}, ini, ini-python, ini-quoted, or
                    text, in which each placeholder has a filter, such as |json, |shell or |raw
${maskOptionHelp}${placeOptionsHelp}
A TEMPLATE of - is standard input, whose format must be given.

Examples:
  keyturn render appsettings.template.json --env prod -o appsettings.json
  keyturn render web.config.template --env preprod --check --json
  keyturn render deploy.yaml --env prod --stdout | kubectl apply -f -
`;

/** `keyturn render`: writes a configuration file out of a template and secrets. */
export const renderCommand: Command = {
  name: 'render',
  summary: 'Write a configuration file out of a template and secrets',
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...placeOptions,
    ...maskOption,
    output: { type: 'string', short: 'o' },
    stdout: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    env: { type: 'string' },
    var: { type: 'string', multiple: true, default: [] },
    format: { type: 'string' },
  });
  const [template, ...more] = positionals;
  if (template === undefined || template === '') throw new UsageError('name the template');
  if (more.length > 0) throw new UsageError(`one template at a time, without '${more[0]}'`);
  const purpose = readPurpose(values);
  const format = readFormat(values.format);
  if (template === '-' && format === undefined)
    throw new UsageError('a template on standard input needs --format');
  const holdsData = purpose.kind === 'stdout' || values.json;
  const masks = readMaskStream(values.masks, holdsData ? 'stderr' : 'stdout');
  if (holdsData && masks === 'stdout') throw new UsageError('--masks stdout would go into the output');
  const work = {
    ...readPlace(values),
    template,
    purpose,
    format,
    masks,
    variables: readVariables(values.env, values.var),
  };
  // Loaded here, so that help and mistakes are answered at once.
  const { render } = await import('./render/render.ts');
  return render(work);
}

function readPurpose({
  output,
  stdout,
  check,
  json,
}: {
  readonly output?: string | undefined;
  readonly stdout: boolean;
  readonly check: boolean;
  readonly json: boolean;
}): Purpose {
  const chosen = [output !== undefined, stdout, check].filter(Boolean).length;
  if (chosen === 0) throw new UsageError('say where the result goes: -o FILE, --stdout, or --check alone');
  if (chosen > 1) throw new UsageError('-o, --stdout and --check exclude each other');
  if (stdout && json) throw new UsageError('--stdout prints the file itself, and --json something else');
  if (output === '') throw new UsageError('-o must name a file');
  if (output !== undefined) return { kind: 'file', output };
  return { kind: stdout ? 'stdout' : 'check' };
}

function readFormat(text: string | undefined): FormatName | undefined {
  if (text === undefined) return undefined;
  const found = formatNames.find((name) => name === text);
  if (found !== undefined) return found;
  throw new UsageError(`--format must be one of ${formatNames.join(', ')}, not '${text}'`);
}

/** Variables become parts of names of secrets and keys. @throws UsageError */
export function readVariables(
  env: string | undefined,
  others: readonly string[],
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const text of others) {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw new UsageError(`--var must be NAME=VALUE, not '${text}'`);
    variables.set(name, requireNamePart(`--var ${name}`, value));
  }
  if (env !== undefined) variables.set('env', requireNamePart('--env', env));
  return variables;
}

function requireNamePart(option: string, value: string): string {
  if (/^[\w/+=.@!-]+$/.test(value)) return value;
  throw new UsageError(`${option} must have letters, digits and /_+=.@!- only: it becomes a part of a name`);
}
