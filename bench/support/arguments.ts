import { type ProgramOptions, programHelp, readOptions, wholeNumber } from '../../scripts/program.ts';

/** What a bench is, for its help and for reading its command line. */
export interface BenchUsage<Options extends ProgramOptions = ProgramOptions> {
  /** As in `npm run bench:NAME`. */
  readonly name: string;
  readonly about: string;
  readonly options: Options;
}

/** A bench's result: the same figures for people and for machines. */
export interface BenchReport {
  readonly text: string;
  readonly data: object;
}

/** @throws Error if the text is no whole number of at least 1 */
export function readCount(option: string, text: string): number {
  return wholeNumber(option, text, 1);
}

/** Shows progress on stderr, since stdout is for the figures. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs a bench as a command: reads the command line, and prints the help, the text or the JSON document. The exit code is 2
 * for wrong arguments, and 1 for a failure.
 */
export async function runBench<const Options extends ProgramOptions>(
  { name, about, options }: BenchUsage<Options>,
  bench: (values: ReturnType<typeof readOptions<Options>>['values']) => Promise<BenchReport>,
): Promise<void> {
  let given: ReturnType<typeof readOptions<Options>>;
  try {
    given = readOptions(options, process.argv.slice(2), process.env);
  } catch (error) {
    return complain(name, error, 2);
  }
  if (given.help) {
    process.stdout.write(programHelp({ about, command: `npm run bench:${name}`, options }));
    return;
  }
  try {
    const { text, data } = await bench(given.values);
    process.stdout.write(given.json ? `${JSON.stringify(data)}\n` : `${text}\n`);
  } catch (error) {
    complain(name, error, 1);
  }
}

function complain(name: string, error: unknown, exitCode: number): void {
  progress(`bench:${name}: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = exitCode;
}
