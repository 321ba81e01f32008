import { type MatrixReport, recoveries } from '../../src/testing/index.ts';

const titles: Readonly<Record<(typeof recoveries)[number], string>> = {
  retried: 'retried, same token',
  'second-invocation': 'second invocation at the same time',
  'pending-cleared': 'AWSPENDING cleared, new token',
  cancelled: 'cancelled, turned on again',
  'process-killed': 'SIGKILL, new process',
  'next-schedule': 'no further step, next schedule',
};

const [begin, end] = ['<!-- matrix: written by npm run matrix -- --write -->', '<!-- /matrix -->'];

/** The matrix as a Markdown table: cells that passed, of how many, by what happened after the fault. */
export function matrixTable(reports: readonly MatrixReport[]): string {
  const header = ['rotator', 'remote calls', ...recoveries.map((recovery) => titles[recovery])];
  const lines = reports.map(({ rotator, cells, failed }) => [
    `\`${rotator}\``,
    String(new Set(cells.map(({ call }) => call)).size),
    ...recoveries.map((recovery) => {
      const of = cells.filter((cell) => cell.recovery === recovery).length;
      return `${of - failed.filter((cell) => cell.recovery === recovery).length} of ${of}`;
    }),
  ]);
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** README.md with its table replaced. @throws Error where the marks are missing */
export function withTable(readme: string, table: string): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md lacks the marks ${begin} and ${end}.`);
  return `${readme.slice(0, from + begin.length)}\n${table}\n${readme.slice(to)}`;
}

/** README.md without the rows of some rotators. */
export function withoutRows(readme: string, rotators: readonly string[]): string {
  const isOther = (line: string): boolean => !rotators.some((name) => line.startsWith(`| \`${name}\` |`));
  return readme.split('\n').filter(isOther).join('\n');
}
