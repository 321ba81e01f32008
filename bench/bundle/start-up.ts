import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { median } from '../support/table.ts';

/** Imports its arguments one after the other, and prints when it began and how long each import took, in ms. */
const program = `
  const times = [performance.now()];
  for (const module of process.argv.slice(1)) {
    const startedAt = performance.now();
    await import(module);
    times.push(performance.now() - startedAt);
  }
  process.stdout.write(JSON.stringify(times), () => process.exit());`;

/** How long a process takes to start. Times in ms, each the median of its runs. */
export interface StartUp {
  /** From the process's start to its first line. */
  readonly node: number;
  /** Each module's import, in a process that has imported the modules before it. */
  readonly imports: readonly number[];
}

/** Imports modules, by path or name, in `runs` fresh processes. */
export async function measureImports(modules: readonly string[], runs: number): Promise<StartUp> {
  const times: number[][] = [];
  for (let run = 0; run < runs; run++) times.push(await importOnce(modules));
  const [node = Number.NaN, ...imports] = [undefined, ...modules].map((_, column) =>
    median(times.map((row) => row[column] ?? Number.NaN)),
  );
  return { node, imports };
}

async function importOnce(modules: readonly string[]): Promise<number[]> {
  const args = ['--input-type=module', '--eval', program, ...modules];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}
