import { type RotationAction, rotationActions } from '../exec/rotation-actions.ts';
import { type Command, readCommandLine, UsageError } from './command.ts';
import type { ExecWork, Mapping } from './exec/work.ts';
import { maskOption, maskOptionHelp, readMaskStream } from './masking.ts';
import { readVariables } from './render.ts';
import { placeOptions, placeOptionsHelp, readPlace } from './rotation/arguments.ts';

const helpText = `keyturn exec: runs a command with secrets in its environment, and in files that are gone afterwards

Usage: keyturn exec [SECRET | NAME=REFERENCE]... [OPTIONS] -- COMMAND [ARGUMENTS]

  prod/shop                      one variable for each key of the secret: password becomes PASSWORD
  DB_PASSWORD=prod/shop#password one variable; a reference is written as in a placeholder of keyturn render
  CONNECTION=prod/db#@ado-net

A key must not set a variable by which programs find code or servers, such as PATH, LD_PRELOAD or NODE_OPTIONS.
Signals are passed on, and the exit code is the command's.

Options:
  --prefix PREFIX   Put this before the names made from keys: with --prefix DB_, password becomes DB_PASSWORD
  --pristine        Give the command nothing of this environment
  --keep NAME       With --pristine, still give it this variable; can be repeated
  --file OUT=TEMPLATE
                    Render TEMPLATE into the file OUT of a folder in memory; KEYTURN_FILES is the folder's path; can be
                    repeated
  --files-in FOLDER Make this folder there (default: in $XDG_RUNTIME_DIR or /dev/shm, which are in memory)
  --on-rotation none|restart|SIGHUP
                    What to do when a secret has a new version (default: none): start the command anew, or render the
                    files anew and send it SIGHUP
  --poll SECONDS    How often to look for one (default: 30)
  --grace SECONDS   With restart, how long the command may take to end before it is killed (default: 10)
  --mask-output     Replace credentials in the command's output by ***; its output is then a pipe, not a terminal
  --env NAME        The value of \${env} in references and templates
  --var NAME=VALUE  The value of another variable; can be repeated
${maskOptionHelp}${placeOptionsHelp}
Exit codes if the command can't start: 126 it can't be executed, 127 it does not exist.

Examples:
  keyturn exec prod/shop -- node server.js
  keyturn exec DB_PASSWORD=prod/shop#password --pristine --keep PATH -- ./server
  keyturn exec --env prod --file appsettings.json=appsettings.template.json -- sh -c 'dotnet Shop.dll --config "$KEYTURN_FILES"'
`;

/** `keyturn exec`: runs a command with secrets. */
export const execCommand: Command = {
  name: 'exec',
  summary: 'Run a command with secrets in its environment',
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const end = args.indexOf('--');
  const [command, ...commandArgs] = end < 0 ? [] : args.slice(end + 1);
  const { values, positionals } = readCommandLine(args.slice(0, end < 0 ? undefined : end), {
    ...placeOptions,
    ...maskOption,
    prefix: { type: 'string', default: '' },
    pristine: { type: 'boolean', default: false },
    keep: { type: 'string', multiple: true, default: [] },
    file: { type: 'string', multiple: true, default: [] },
    'files-in': { type: 'string' },
    'on-rotation': { type: 'string', default: 'none' },
    poll: { type: 'string', default: '30' },
    grace: { type: 'string', default: '10' },
    'mask-output': { type: 'boolean', default: false },
    env: { type: 'string' },
    var: { type: 'string', multiple: true, default: [] },
  });
  if (command === undefined || command === '')
    throw new UsageError('name the command after two dashes: -- COMMAND');
  const mappings = positionals.map(readMapping);
  if (mappings.length === 0 && values.file.length === 0) {
    throw new UsageError('name a secret, a variable such as NAME=prod/shop#password, or a --file');
  }
  if (values.prefix !== '' && !/^[A-Za-z_]\w*$/.test(values.prefix)) {
    throw new UsageError(`--prefix must be the beginning of a variable's name, not '${values.prefix}'`);
  }
  if (values.keep.length > 0 && !values.pristine) throw new UsageError('--keep goes with --pristine');
  const files = values.file.map(readFile);
  const twice = files.find(({ output }, index) => files.findIndex((file) => file.output === output) < index);
  if (twice !== undefined) throw new UsageError(`--file names '${twice.output}' twice`);
  const work: ExecWork = {
    ...readPlace(values),
    mappings,
    files,
    filesIn: values['files-in'],
    prefix: values.prefix,
    pristine: values.pristine,
    keep: values.keep,
    onRotation: readAction(values['on-rotation']),
    pollMs: readSeconds('--poll', values.poll),
    graceMs: readSeconds('--grace', values.grace),
    maskOutput: values['mask-output'],
    masks: readMaskStream(values.masks, values.json ? 'stderr' : 'stdout'),
    variables: readVariables(values.env, values.var),
    command,
    commandArgs,
  };
  // Loaded here, so that help and mistakes are answered at once.
  const { exec } = await import('./exec/exec.ts');
  return exec(work);
}

/** A secret's name may have an equals sign in it, but the name of a variable has no slash, `#` or `:`. */
function readMapping(text: string): Mapping {
  const [, name, reference] = /^([^/=#:]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || reference === undefined) return { kind: 'keys', reference: text };
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new UsageError(`'${name}' is not a valid name for a variable`);
  return { kind: 'variable', name, reference };
}

/** The output must be inside of the folder. */
function readFile(text: string): ExecWork['files'][number] {
  const equals = text.indexOf('=');
  const [output, template] = [text.slice(0, equals), text.slice(equals + 1)];
  if (equals < 1 || template === '') throw new UsageError(`--file must be OUT=TEMPLATE, not '${text}'`);
  const parts = output.split('/');
  const isInside =
    parts.every((part) => part !== '' && part !== '.' && part !== '..') && !output.includes('\0');
  if (!isInside || parts[0] === '.alive')
    throw new UsageError(`--file must name a file below the folder, not '${output}'`);
  return { output, template };
}

function readAction(text: string): RotationAction {
  const found = rotationActions.find((action) => action === text);
  if (found !== undefined) return found;
  throw new UsageError(`--on-rotation must be one of ${rotationActions.join(', ')}, not '${text}'`);
}

/** @returns milliseconds */
function readSeconds(option: string, text: string): number {
  if (/^\d{1,5}(\.\d{1,3})?$/.test(text) && Number(text) > 0) return Number(text) * 1000;
  throw new UsageError(`${option} must be a number of seconds, such as 30, not '${text}'`);
}
