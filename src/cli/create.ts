import { sampleLanguages } from '../create/code-samples.ts';
import { kindNames } from '../create/kind-names.ts';
import { nameProblem } from '../create/new-secret.ts';
import { type FormOfFields, formOfFields, formsOfFields } from '../render/form-names.ts';
import { type Command, readCommandLine, UsageError } from './command.ts';
import type { CreateWork } from './create/work.ts';
import {
  placeOptions,
  placeOptionsHelp,
  readPlace,
  readTimeout,
  timeoutOption,
} from './rotation/arguments.ts';

const helpText = `keyturn create: stores a new secret

Usage: keyturn create [NAME] [OPTIONS]

At a terminal it asks for everything that is not given, in the order of AWS's own screens: kind and value, key; name,
description, tags, permissions, replicas; rotation; a review; and then shows the code that reads the secret. Elsewhere
everything comes from options. A value comes from a hidden prompt, a file or standard input, and never from an argument.

What is stored:
  --kind KIND       ${kindNames.slice(0, 6).join(', ')},
                    ${kindNames.slice(6).join(', ')} (default: other)
  --field NAME=TEXT A field that is no secret, such as host=db or username=app; can be repeated
  --field-file NAME=FILE
                    A field out of a file, or out of standard input for -; one line break at its end is taken off
  --value-file FILE The whole value, as a text or as JSON, out of a file, or out of standard input for -
  --form FORM       Keep the fields of a database as ${formsOfFields.slice(0, 5).join(', ')} instead of JSON
  --as-is           Store a text even if it looks malformed

Options:
  --kms-key KEY     Encrypt it under this key (default: aws/secretsmanager)
  --description TEXT
                    What it is for
  --tag KEY=VALUE   A tag; can be repeated
  --policy-file FILE
                    Its resource policy, as JSON; one that lets everybody in is refused
  --replica REGION[=KEY]
                    Replicate it to a region; can be repeated
  --function ARN    Have it rotated by this function, after a test
  --every PERIOD    How often to rotate: 4h to 23976h, or 1d to 999d
  --at-hour HOUR    The hour of the day in UTC at which the window opens; see keyturn attach
  --window LENGTH   How long the window is, 1h to 24h
  --no-immediate    Do not rotate at once: the first rotation is by the schedule
  --timeout SECONDS How long to follow the first rotation (default: 120)
  --dry-run         Show the review, and store nothing
  --yes             Do not ask whether to store it
  --code LANGUAGE   The code to show: ${sampleLanguages.join(', ')}, all,
                    or none (default: cli)
${placeOptionsHelp}
Examples:
  keyturn create prod/shop/Postgres
  keyturn create prod/shop/Postgres --kind postgres --field host=db --field username=app \\
    --field-file password=./password --function arn:aws:lambda:eu-west-1:123456789012:function:keyturn --every 30d
  generate-token | keyturn create prod/token --value-file - --json
`;

/** `keyturn create`: stores a new secret. */
export const createCommand: Command = { name: 'create', summary: 'Store a new secret', help: helpText, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    ...placeOptions,
    ...timeoutOption,
    kind: { type: 'string' },
    field: { type: 'string', multiple: true, default: [] },
    'field-file': { type: 'string', multiple: true, default: [] },
    'value-file': { type: 'string' },
    form: { type: 'string' },
    'as-is': { type: 'boolean', default: false },
    'kms-key': { type: 'string' },
    description: { type: 'string' },
    tag: { type: 'string', multiple: true, default: [] },
    'policy-file': { type: 'string' },
    replica: { type: 'string', multiple: true, default: [] },
    function: { type: 'string' },
    every: { type: 'string' },
    'at-hour': { type: 'string' },
    window: { type: 'string' },
    'no-immediate': { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
    code: { type: 'string', multiple: true, default: [] },
  });
  const [name, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`one secret at a time, without '${more[0]}'`);
  const problem = name === undefined ? undefined : nameProblem(name);
  if (problem !== undefined) throw new UsageError(problem);
  const work: CreateWork = {
    ...readPlace(values),
    name,
    kind: readKind(values.kind),
    fields: readPairs('--field', values.field),
    fieldFiles: readPairs('--field-file', values['field-file']),
    valueFile: values['value-file'],
    form: readForm(values.form),
    asIs: values['as-is'],
    kmsKeyId: values['kms-key'],
    description: values.description,
    tags: readPairs('--tag', values.tag),
    policyFile: values['policy-file'],
    replicas: values.replica.map(readReplica),
    functionArn: values.function,
    schedule: { every: values.every, atHour: values['at-hour'], window: values.window },
    immediately: !values['no-immediate'],
    timeoutMs: readTimeout(values.timeout),
    dryRun: values['dry-run'],
    yes: values.yes,
    code: values.code.map(readLanguage),
  };
  requireOneSource(work);
  // Loaded here, so that help and mistakes are answered at once.
  const { create } = await import('./create/create.ts');
  return create(work);
}

function readKind(text: string | undefined): string | undefined {
  if (text === undefined || kindNames.some((name) => name === text)) return text;
  throw new UsageError(`--kind must be one of ${kindNames.join(', ')}, not '${text}'`);
}

function readForm(text: string | undefined): FormOfFields | undefined {
  if (text === undefined) return undefined;
  const form = formOfFields(text);
  if (form !== undefined) return form;
  throw new UsageError(`--form must be one of ${formsOfFields.join(', ')}, not '${text}'`);
}

function readPairs(option: string, texts: readonly string[]): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    // The text may be a credential, given by mistake.
    if (equals < 1) throw new UsageError(`${option} must be a name, an equals sign and a text`);
    const key = text.slice(0, equals);
    if (pairs.has(key)) throw new UsageError(`${option} names '${key}' twice`);
    pairs.set(key, text.slice(equals + 1));
  }
  return pairs;
}

function readReplica(text: string): CreateWork['replicas'][number] {
  const [, region, kmsKeyId] = /^([a-z]+(?:-[a-z]+)+-\d+)(?:=(.+))?$/.exec(text) ?? [];
  if (region === undefined) throw new UsageError(`--replica must be REGION or REGION=KEY, not '${text}'`);
  return { region, kmsKeyId };
}

function readLanguage(text: string): CreateWork['code'][number] {
  const found = ([...sampleLanguages, 'all', 'none'] as const).find((name) => name === text);
  if (found !== undefined) return found;
  throw new UsageError(`--code must be one of ${sampleLanguages.join(', ')}, all, none, not '${text}'`);
}

function requireOneSource(work: CreateWork): void {
  const { valueFile, policyFile, fields, fieldFiles, form, functionArn, schedule } = work;
  if (valueFile !== undefined && (fields.size > 0 || fieldFiles.size > 0 || form !== undefined)) {
    throw new UsageError('--value-file is the whole value: it goes without --field, --field-file and --form');
  }
  const inputs = [valueFile, policyFile, ...fieldFiles.values()].filter((path) => path === '-');
  if (inputs.length > 1) throw new UsageError('standard input can be read once only');
  for (const name of fieldFiles.keys()) {
    if (fields.has(name)) throw new UsageError(`the field '${name}' is given twice`);
  }
  const { every, atHour, window } = schedule;
  if (functionArn === undefined && [every, atHour, window].some((part) => part !== undefined)) {
    throw new UsageError('a schedule needs the function that rotates: --function ARN');
  }
}
