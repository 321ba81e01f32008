import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { MatrixReport, WalksReport } from '../../src/testing/index.ts';
import { inParallel } from '../../src/testing/matrix/matrix.ts';
import { help, type MatrixArguments, readArguments } from './arguments.ts';
import { type Subject, subjects } from './harnesses.ts';
import { matrixTable, withoutRows, withTable } from './table.ts';
import type { Done, Work } from './worker.ts';

const readmeFile = join(import.meta.dirname, '../../README.md');

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Each rotator has a process of its own, so that all cores are used. */
async function runAll(works: readonly Work[]): Promise<Done[]> {
  const done = new Map<Work, Done>();
  await inParallel(works, availableParallelism(), async (work) => {
    const child = fork(join(import.meta.dirname, 'worker.ts'), [JSON.stringify(work)]);
    child.on('message', (message: Done) => done.set(work, message));
    const [code] = await once(child, 'exit');
    if (code !== 0 || !done.has(work))
      throw new Error(`The matrix of ${work.rotator} ended without a report, with exit code ${code}.`);
  });
  return works.flatMap((work) => done.get(work) ?? []);
}

async function reportMatrix(
  reports: readonly MatrixReport[],
  given: MatrixArguments,
  leftOut: readonly Subject[],
): Promise<boolean> {
  for (const { rotator, failed } of reports) {
    for (const { id, place, failure, trace } of failed) {
      say(`\n${rotator} ${id} (${place}): ${failure}\n${trace.join('\n')}`);
      say(`Alone: npm run matrix -- --rotator '${rotator}' --cell ${id}`);
    }
  }
  const table = matrixTable(reports);
  process.stdout.write(given.json ? `${JSON.stringify(summary(reports, leftOut))}\n` : `${table}\n`);
  const unknown = given.cells.filter(
    (id) => !reports.some(({ cells }) => cells.some((cell) => cell.id === id)),
  );
  if (unknown.length > 0) say(`No rotator that was run has a cell ${unknown.join(', ')}.`);
  const upToDate = await compareReadme(table, given.readme, leftOut);
  return unknown.length === 0 && upToDate && reports.every(({ failed }) => failed.length === 0);
}

async function compareReadme(
  table: string,
  readme: MatrixArguments['readme'],
  leftOut: readonly Subject[],
): Promise<boolean> {
  if (readme === undefined) return true;
  const names = leftOut.map(({ rotator }) => rotator);
  const before = withoutRows(await readFile(readmeFile, 'utf8'), names);
  const after = withTable(before, table);
  if (readme === 'write') await writeFile(readmeFile, after);
  if (names.length > 0) say(`The README's row of ${names.join(', ')} was not compared.`);
  if (readme === 'write' || after === before) return true;
  say('The table in README.md is another: npm run matrix -- --write');
  return false;
}

function summary(reports: readonly MatrixReport[], leftOut: readonly Subject[]) {
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
    cells: count('cells'),
    failed: count('failed'),
    byRotator,
    leftOut: leftOut.map(({ rotator, missing }) => ({ rotator, missing })),
  };
}

function reportWalks(reports: readonly WalksReport[], { json, walks }: MatrixArguments): boolean {
  for (const { rotator, seed, failed } of reports) {
    for (const { plans, failure, trace } of failed) {
      say(`\n${rotator}, seed ${seed}: ${failure}\n${JSON.stringify(plans)}\n${trace.join('\n')}`);
      say(`Again: npm run matrix -- --rotator '${rotator}' --walks ${walks} --seed ${seed}`);
    }
  }
  const lines = reports.map(
    ({ rotator, walks, seed, failed }) => `${rotator}: ${walks} walks, seed ${seed}, ${failed.length} failed`,
  );
  process.stdout.write(json ? `${JSON.stringify(reports)}\n` : `${lines.join('\n')}\n`);
  return reports.every(({ failed }) => failed.length === 0);
}

/** @throws Error with one line that says what is wrong */
function chosenSubjects({ rotators, readme }: MatrixArguments): Subject[] {
  const all = subjects();
  const unknown = rotators.find((name) => !all.some(({ rotator }) => rotator === name));
  if (unknown !== undefined)
    throw new Error(`No rotator is called ${unknown}: ${all.map(({ rotator }) => rotator).join(', ')}.`);
  const chosen = all.filter(({ rotator }) => rotators.length === 0 || rotators.includes(rotator));
  const missing = chosen.find((subject) => subject.missing !== undefined)?.missing;
  if (readme === 'write' && missing !== undefined) throw new Error(`--write takes every rotator. ${missing}`);
  return chosen;
}

async function run(given: MatrixArguments, chosen: readonly Subject[]): Promise<boolean> {
  const { cells, walks, seed } = given;
  const leftOut = chosen.filter(({ missing }) => missing !== undefined);
  for (const { rotator, missing } of leftOut) say(`${rotator} is left out. ${missing}`);
  const done = await runAll(
    chosen
      .filter((subject) => !leftOut.includes(subject))
      .map(({ rotator }) => ({ rotator, cells, walks, seed })),
  );
  return walks > 0
    ? reportWalks(
        done.flatMap((one) => ('walks' in one ? one.walks : [])),
        given,
      )
    : reportMatrix(
        done.flatMap((one) => ('matrix' in one ? one.matrix : [])),
        given,
        leftOut,
      );
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
