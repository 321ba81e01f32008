import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { MatrixReport, WalksReport } from '../../src/testing/index.ts';
import { inParallel } from '../../src/testing/matrix/matrix.ts';
import { help, type MatrixArguments, readArguments } from './arguments.ts';
import { type Subject, subjects } from './harnesses.ts';
import { matrixTable, type Row, withRows } from './table.ts';
import type { Done, Work } from './worker.ts';

const tableFile = join(import.meta.dirname, '../../docs/matrix.md');

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A rotator without a report, and why. */
interface Broken {
  readonly rotator: string;
  readonly failure: string;
}

/** The result of one rotator: of its cells or of its walks. */
type WorkDone = Exclude<Done, { broken: string }>;

/** Each rotator has a process of its own, so that all cores are used. */
async function runAll(works: readonly Work[]): Promise<{ done: WorkDone[]; broken: Broken[] }> {
  const done = new Map<Work, Done>();
  const broken: Broken[] = [];
  await inParallel(works, availableParallelism(), async (work) => {
    const child = fork(join(import.meta.dirname, 'worker.ts'), [JSON.stringify(work)]);
    child.on('message', (message: Done) => done.set(work, message));
    // Its report may come after its end, but not after its channel is closed.
    const [[code]] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
    const result = done.get(work);
    if (code === 0 && result !== undefined && !('broken' in result)) return;
    const { rotator } = work;
    const failure =
      result !== undefined && 'broken' in result ? result.broken : `It ended with exit code ${code}.`;
    broken.push({ rotator, failure });
    say(`The matrix of ${rotator} ended without a report: ${failure}`);
  });
  const reports = works.flatMap((work) => done.get(work) ?? []);
  return { done: reports.filter((one): one is WorkDone => !('broken' in one)), broken };
}

/** The result of one rotator, with all of its cells, including those that were not run. */
type MatrixDone = Extract<Done, { matrix: MatrixReport }>;

async function reportMatrix(
  done: readonly MatrixDone[],
  given: MatrixArguments,
  { missing, redundant }: LeftOut,
  broken: readonly Broken[],
): Promise<boolean> {
  const reports = done
    .map(({ matrix }) => matrix)
    .filter(({ rotator }) => !redundant.some((subject) => subject.rotator === rotator));
  for (const { rotator, failed } of reports) {
    for (const { id, place, failure, trace } of failed) {
      say(`\n${rotator} ${id} (${place}): ${failure}\n${trace.join('\n')}`);
      say(`Alone: npm run matrix -- --rotator '${rotator}' --cell ${id}`);
    }
  }
  const isWhole = given.deal === undefined && !given.dry;
  // A deal runs only some cells. The table says that all cells pass, so every cell that is run must pass.
  const rows = done.map(({ matrix, all }): Row => (isWhole ? matrix : { ...matrix, cells: all, failed: [] }));
  const ran = reports.map(
    ({ rotator, cells, failed }) => `${rotator}: ${cells.length} cells, ${failed.length} failed`,
  );
  const text = isWhole || given.dry ? matrixTable(rows) : [`deal ${given.deal}`, ...ran].join('\n');
  process.stdout.write(
    given.json
      ? `${JSON.stringify(summary(reports, given, [...missing, ...redundant], broken))}\n`
      : `${text}\n`,
  );
  const unknown = given.cells.filter(
    (id) => !reports.some(({ cells }) => cells.some((cell) => cell.id === id)),
  );
  if (unknown.length > 0) say(`No rotator that was run has a cell ${unknown.join(', ')}.`);
  const upToDate = await compareTable(rows, given.table, missing);
  return unknown.length === 0 && upToDate && reports.every(({ failed }) => failed.length === 0);
}

/** @returns whether the table is right, or was corrected */
async function compareTable(
  rows: readonly Row[],
  table: MatrixArguments['table'],
  missing: readonly Subject[],
): Promise<boolean> {
  if (table === undefined) return true;
  const before = await readFile(tableFile, 'utf8');
  const after = withRows(
    before,
    rows,
    subjects().map(({ rotator }) => rotator),
  );
  if (table === 'write') await writeFile(tableFile, after);
  const names = missing.map(({ rotator }) => rotator);
  if (names.length > 0) say(`The table's row of ${names.join(', ')} was left as it is.`);
  if (table === 'write' || after === before) return true;
  const rotators = rows
    .filter((row) => withRows(before, [row], [row.rotator]) !== withRows(before, [], [row.rotator]))
    .map(({ rotator }) => rotator);
  say(
    rotators.length === 0
      ? 'The table in docs/matrix.md has a row of no rotator, or another order: npm run matrix -- --write'
      : `The table in docs/matrix.md has other numbers: npm run matrix -- --write ${rotators.map((name) => `--rotator '${name}'`).join(' ')}`,
  );
  return false;
}

function summary(
  reports: readonly MatrixReport[],
  { deal }: MatrixArguments,
  leftOut: readonly Subject[],
  broken: readonly Broken[],
) {
  const byRotator = Object.fromEntries(
    reports.map(({ rotator, cells, failed, skipped }) => [
      rotator,
      {
        cells: cells.length,
        failed: failed.length,
        failures: failed.map(({ id, place, failure }) => ({ id, place, failure })),
        skipped,
      },
    ]),
  );
  const count = (of: 'cells' | 'failed') => reports.reduce((sum, report) => sum + report[of].length, 0);
  return {
    deal,
    cells: count('cells'),
    failed: count('failed'),
    byRotator,
    broken,
    leftOut: leftOut.map(({ rotator, missing, sameCallsAs }) => ({
      rotator,
      missing: missing ?? `It makes the calls of ${sameCallsAs}. npm run matrix:nightly strikes at them too.`,
    })),
  };
}

function reportWalks(
  reports: readonly WalksReport[],
  { json, walks }: MatrixArguments,
  broken: readonly Broken[],
): boolean {
  for (const { rotator, seed, failed } of reports) {
    for (const { plans, failure, trace } of failed) {
      say(`\n${rotator}, seed ${seed}: ${failure}\n${JSON.stringify(plans)}\n${trace.join('\n')}`);
      say(`Again: npm run matrix -- --rotator '${rotator}' --walks ${walks} --seed ${seed}`);
    }
  }
  const lines = reports.map(
    ({ rotator, walks, seed, failed }) => `${rotator}: ${walks} walks, seed ${seed}, ${failed.length} failed`,
  );
  process.stdout.write(json ? `${JSON.stringify([...reports, ...broken])}\n` : `${lines.join('\n')}\n`);
  return reports.every(({ failed }) => failed.length === 0);
}

/** @throws Error with one line that says what is wrong */
function chosenSubjects({ rotators }: MatrixArguments): Subject[] {
  const all = subjects();
  const unknown = rotators.find((name) => !all.some(({ rotator }) => rotator === name));
  if (unknown !== undefined)
    throw new Error(`No rotator is called ${unknown}: ${all.map(({ rotator }) => rotator).join(', ')}.`);
  return all.filter(({ rotator }) => rotators.length === 0 || rotators.includes(rotator));
}

/** What is not run, and why. */
interface LeftOut {
  /** What they need is not on this machine. */
  readonly missing: readonly Subject[];
  /** Another one that is run makes the same calls. */
  readonly redundant: readonly Subject[];
}

function leaveOut({ deal }: MatrixArguments, chosen: readonly Subject[]): LeftOut {
  const missing = chosen.filter((subject) => subject.missing !== undefined);
  const runs = (name: string): boolean =>
    chosen.some(({ rotator, ...subject }) => rotator === name && subject.missing === undefined);
  const redundant = chosen.filter(
    ({ sameCallsAs }) => deal !== undefined && sameCallsAs !== undefined && runs(sameCallsAs),
  );
  return { missing, redundant };
}

async function run(given: MatrixArguments, chosen: readonly Subject[]): Promise<boolean> {
  const { cells, walks, seed, deal, table } = given;
  const leftOut = leaveOut(given, chosen);
  for (const { rotator, missing } of leftOut.missing) say(`${rotator} is left out. ${missing}`);
  const works = chosen
    .filter((subject) => !leftOut.missing.includes(subject))
    .map((subject) => ({ subject, dry: given.dry || leftOut.redundant.includes(subject) }))
    // The table holds them all.
    .filter(({ dry }) => given.dry || !dry || table !== undefined)
    .map(({ subject: { rotator }, dry }): Work => ({ rotator, cells, walks, seed, deal, dry }));
  const { done, broken } = await runAll(works);
  const passed =
    walks > 0
      ? reportWalks(
          done.flatMap((one) => ('walks' in one ? one.walks : [])),
          given,
          broken,
        )
      : await reportMatrix(
          done.filter((one) => 'matrix' in one),
          given,
          leftOut,
          broken,
        );
  return passed && broken.length === 0;
}

async function main(): Promise<number> {
  let given: MatrixArguments;
  let chosen: Subject[];
  try {
    given = readArguments(process.argv.slice(2));
    chosen = chosenSubjects(given);
  } catch (error) {
    say(`matrix: ${error instanceof Error ? error.message : error}`);
    return 2;
  }
  if (given.help) {
    process.stdout.write(help);
    return 0;
  }
  return (await run(given, chosen)) ? 0 : 1;
}

process.exitCode = await main();
