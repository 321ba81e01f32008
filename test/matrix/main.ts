import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crashMatrix, type MatrixReport, randomWalks, type WalksReport } from '../../src/testing/index.ts';
import { help, type MatrixArguments, readArguments } from './arguments.ts';
import { type Subject, subjects } from './harnesses.ts';
import { matrixTable, type Row, withTable } from './table.ts';

const readmeFile = join(import.meta.dirname, '../../README.md');

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Says how far it is, at most once in two seconds. */
function progress(rotator: string): (done: number, of: number) => void {
  let saidAt = performance.now();
  return (done, of) => {
    if (performance.now() - saidAt < 2_000 && done < of) return;
    saidAt = performance.now();
    say(`${rotator}: ${done} of ${of}`);
  };
}

async function withSubject<T>(
  subject: Subject,
  run: (harness: Parameters<typeof crashMatrix>[0]) => Promise<T>,
): Promise<T> {
  const { harness, stop } = await subject.start();
  try {
    return await run(harness);
  } finally {
    await stop();
  }
}

function explain({ rotator, failed }: MatrixReport): void {
  for (const { id, place, failure, trace } of failed) {
    say(`\n${rotator} ${id} (${place}): ${failure}\n${trace.join('\n')}`);
    say(`Alone: npm run matrix -- --rotator ${rotator} --cell ${id}`);
  }
}

async function runMatrix(
  chosen: readonly Subject[],
  { cells, readme, json }: MatrixArguments,
): Promise<boolean> {
  const rows: Row[] = [];
  for (const subject of chosen) {
    const only = cells.length === 0 ? undefined : cells;
    const onCell = progress(subject.rotator);
    const report = await withSubject(subject, (harness) => crashMatrix(harness, { only, onCell }));
    explain(report);
    rows.push({ report, remark: subject.remark });
  }
  const table = matrixTable(rows);
  if (readme === 'write') await writeFile(readmeFile, withTable(await readFile(readmeFile, 'utf8'), table));
  const outdated = readme === 'check' && (await isOutdated(table));
  if (outdated) say('The table in README.md is another: npm run matrix -- --write');
  process.stdout.write(
    json ? `${JSON.stringify(summary(rows.map(({ report }) => report)))}\n` : `${table}\n`,
  );
  return !outdated && rows.every(({ report }) => report.failed.length === 0);
}

async function isOutdated(table: string): Promise<boolean> {
  const readme = await readFile(readmeFile, 'utf8');
  return withTable(readme, table) !== readme;
}

function summary(reports: readonly MatrixReport[]) {
  const byRotator = Object.fromEntries(
    reports.map(({ rotator, cells, failed, skipped }) => [
      rotator,
      {
        cells: cells.length,
        failed: failed.map(({ id, place, failure }) => ({ id, place, failure })),
        skipped,
      },
    ]),
  );
  const count = (of: 'cells' | 'failed') => reports.reduce((sum, report) => sum + report[of].length, 0);
  return { cells: count('cells'), failed: count('failed'), byRotator };
}

async function runWalks(
  chosen: readonly Subject[],
  { walks, seed, json }: MatrixArguments,
): Promise<boolean> {
  const reports: WalksReport[] = [];
  for (const subject of chosen) {
    const onWalk = progress(subject.rotator);
    const report = await withSubject(subject, (harness) => randomWalks(harness, { walks, seed, onWalk }));
    for (const { plans, failure, trace } of report.failed) {
      say(`\n${report.rotator}, seed ${report.seed}: ${failure}`);
      say(`${JSON.stringify(plans)}\n${trace.join('\n')}`);
      say(`Again: npm run matrix -- --rotator ${report.rotator} --walks ${walks} --seed ${report.seed}`);
    }
    reports.push(report);
  }
  const lines = reports.map(({ rotator, walks, seed, failed }) =>
    [rotator, `${walks} walks`, `seed ${seed}`, `${failed.length} failed`].join(', '),
  );
  process.stdout.write(json ? `${JSON.stringify(reports)}\n` : `${lines.join('\n')}\n`);
  return reports.every(({ failed }) => failed.length === 0);
}

async function main(): Promise<number> {
  const given = readArguments(process.argv.slice(2));
  if (given.help) {
    process.stdout.write(help);
    return 0;
  }
  const all = subjects(process.env.KEYTURN_TEST_SQLSERVER_URL);
  const unknown = given.rotators.find((name) => all.every(({ rotator }) => rotator !== name));
  if (unknown !== undefined) throw new Error(`No rotator is called ${unknown}.`);
  const chosen = all.filter(({ rotator }) => given.rotators.length === 0 || given.rotators.includes(rotator));
  const passed = await (given.walks > 0 ? runWalks(chosen, given) : runMatrix(chosen, given));
  return passed ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`matrix: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
