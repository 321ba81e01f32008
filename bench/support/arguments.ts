import { parseArgs } from 'node:util';

/** An option of a bench that takes a value. */
export interface BenchOption {
  /** What stands for the value in the help, such as `PATH`. */
  readonly placeholder: string;
  readonly about: string;
  /** A variable of the environment that gives the value where the option is absent. */
  readonly variable?: string;
}

/** What a bench is, for its help and for reading its command line. */
export interface BenchUsage<Name extends string = string> {
  /** As in `npm run bench:NAME`. */
  readonly name: string;
  readonly about: string;
  readonly options: Readonly<Record<Name, BenchOption>>;
}

/** A command line that was read; `values` lacks the options that were given in no way. */
export interface BenchArguments<Name extends string = string> {
  readonly json: boolean;
  readonly help: boolean;
  readonly values: Readonly<Partial<Record<Name, string>>>;
}

/** What a bench ends with: the same figures for people and for machines. */
export interface BenchReport {
  readonly text: string;
  readonly data: object;
}

/** The text that `--help` shows. */
export function benchHelp({ name, about, options }: BenchUsage): string {
  const rows = Object.entries(options).map(([option, { placeholder, about, variable }]) => [
    `--${option} ${placeholder}`,
    variable === undefined ? about : `${about} (or ${variable})`,
  ]);
  rows.push(['--json', 'Print one JSON document and nothing else'], ['--help', 'Show this text']);
  const width = Math.max(...rows.map(([option = '']) => option.length));
  const lines = rows.map(([option = '', meaning = '']) => `  ${option.padEnd(width)}  ${meaning}`);
  return [about, '', `Usage: npm run --silent bench:${name} -- [OPTIONS]`, '', 'Options:', ...lines, ''].join(
    '\n',
  );
}

/** @throws Error with one line that says what is wrong */
export function readBenchArguments<Name extends string>(
  usage: BenchUsage<Name>,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): BenchArguments<Name> {
  const options: Record<string, { type: 'string' | 'boolean' }> = {
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  };
  for (const name in usage.options) options[name] = { type: 'string' };
  const { values } = parseArgs({ args: [...args], options });
  const given: Partial<Record<Name, string>> = {};
  for (const name in usage.options) {
    const { variable } = usage.options[name];
    const value = values[name] ?? (variable === undefined ? undefined : environment[variable]);
    if (typeof value === 'string' && value !== '') given[name] = value;
  }
  return { json: values.json === true, help: values.help === true, values: given };
}

/** @throws Error when the text is no whole number of at least 1 */
export function readCount(option: string, text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Error(`--${option} takes a whole number of at least 1.`);
}

/** Says on stderr what a bench is doing: its stdout is for the figures. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs a bench as a command: reads the command line, and prints the help, the text or the JSON document. The
 * exit code is 2 for a command line that makes no sense, and 1 for a bench that failed.
 */
export async function runBench<Name extends string>(
  usage: BenchUsage<Name>,
  bench: (given: BenchArguments<Name>) => Promise<BenchReport>,
): Promise<void> {
  let given: BenchArguments<Name>;
  try {
    given = readBenchArguments(usage, process.argv.slice(2), process.env);
  } catch (error) {
    return complain(usage.name, error, 2);
  }
  if (given.help) {
    process.stdout.write(benchHelp(usage));
    return;
  }
  try {
    const { text, data } = await bench(given);
    process.stdout.write(given.json ? `${JSON.stringify(data)}\n` : `${text}\n`);
  } catch (error) {
    complain(usage.name, error, 1);
  }
}

function complain(name: string, error: unknown, exitCode: number): void {
  progress(`bench:${name}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = exitCode;
}
