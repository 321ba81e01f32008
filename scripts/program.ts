import { parseArgs } from 'node:util';

/** An option of a program of the checkout, such as a demo, a bench or a script: what parseArgs needs, and its help. */
export interface ProgramOption {
  /** `boolean` is a flag; `string` takes a value. */
  readonly type: 'boolean' | 'string';
  /** What the help says. It may have several lines. */
  readonly about: string;
  /** The value's name in the help, such as `PATH`. */
  readonly placeholder?: string;
  /** Whether the option can be repeated. */
  readonly multiple?: boolean;
  readonly default?: boolean | string | string[];
  /** A variable of the environment that gives the value if the option is absent. */
  readonly variable?: string;
}

/** The options of a program, by name. */
export type ProgramOptions = Readonly<Record<string, ProgramOption>>;

/** What the help of a program says. */
export interface ProgramUsage {
  /** What the program does, in one to three sentences. */
  readonly about: string;
  /** The command, such as `npm run demo`. */
  readonly command: string;
  /** Its arguments besides options, such as `[FILE...]`. */
  readonly operands?: string;
  /** A text between usage and options. */
  readonly details?: string;
  readonly options: ProgramOptions;
  /** Variables that it reads besides those of options, with their meaning. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether the program has the option --json. By default it has. */
  readonly json?: boolean;
  /** The last paragraph, such as exit codes. */
  readonly end?: string;
}

const common = {
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** The text that `--help` shows. */
export function programHelp(usage: ProgramUsage): string {
  const { about, command, operands, details, options, variables = {}, json = true, end } = usage;
  const rows = Object.entries(options).map(([name, option]): readonly [string, string] => [
    `--${name}${option.placeholder === undefined ? '' : ` ${option.placeholder}`}`,
    option.variable === undefined ? option.about : `${option.about} (or ${option.variable})`,
  ]);
  const silent = command.replace('npm run', 'npm run --silent');
  if (json) rows.push(['--json', `Print one JSON document and nothing else (${silent} -- --json)`]);
  rows.push(['--help', 'Show this text']);
  return [
    about,
    '',
    `Usage: ${command} -- [OPTIONS]${operands === undefined ? '' : ` ${operands}`}`,
    ...(details === undefined ? [] : ['', details]),
    '',
    'Options:',
    ...table(rows),
    ...(Object.keys(variables).length === 0 ? [] : ['', 'Variables:', ...table(Object.entries(variables))]),
    ...(end === undefined ? [] : ['', end]),
    '',
  ].join('\n');
}

function table(rows: readonly (readonly [name: string, meaning: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(
    ([name, meaning]) => `  ${name.padEnd(width)}  ${meaning.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`,
  );
}

/**
 * Reads a command line: the options, --json and --help. If an option is absent, its variable gives the value.
 *
 * @throws TypeError of parseArgs, with a message of one line, for an unknown option
 */
export function readOptions<const Options extends ProgramOptions>(
  options: Options,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
) {
  const byVariable = Object.entries(options).flatMap(([name, { variable }]) => {
    const value = variable === undefined ? undefined : environment[variable];
    return value === undefined || value === '' ? [] : [`--${name}=${value}`];
  });
  const { values } = parseArgs({ args: [...byVariable, ...args], options: { ...options, ...common } });
  const isGiven = (name: keyof typeof common): boolean => Reflect.get(values, name) === true;
  return { values, json: isGiven('json'), help: isGiven('help') };
}

/**
 * Reads this process's command line, for a script without --json. With --help, it prints the help and ends the process
 * with exit code 0. If the command line is wrong, it says what is wrong and ends the process with exit code 2.
 */
export function readScript<const Options extends ProgramOptions>(
  usage: Omit<ProgramUsage, 'json' | 'variables'> & { readonly options: Options },
) {
  const { options, operands } = usage;
  try {
    const { values, positionals } = parseArgs({
      options: { ...options, help: common.help },
      allowPositionals: operands !== undefined,
    });
    if (Reflect.get(values, 'help') !== true) return { values, positionals };
  } catch (error) {
    wrongUsage(usage, error instanceof Error ? error.message : String(error));
  }
  process.stdout.write(programHelp({ ...usage, json: false }));
  process.exit(0);
}

/** Says what is wrong with the command line, and ends the process with exit code 2. */
export function wrongUsage({ command }: Pick<ProgramUsage, 'command'>, problem: string): never {
  process.stderr.write(`${command}: ${problem}\n`);
  process.exit(2);
}

/** Reads the value of an option. @throws Error if the text is no whole number of at least `least` */
export function wholeNumber(option: string, text: string, least = 0): number {
  if (/^\d{1,10}$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`--${option} takes a whole number${least > 0 ? ` of at least ${least}` : ''}.`);
}
