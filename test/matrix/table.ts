import { type Cell, type FailedCell, recoveries } from '../../src/testing/index.ts';

/** What the table says of one rotator. */
export interface Row {
  readonly rotator: string;
  readonly cells: readonly Cell[];
  readonly failed: readonly FailedCell[];
}

const titles: Readonly<Record<(typeof recoveries)[number], string>> = {
  retried: 'retried, same token',
  'second-invocation': 'second invocation at the same time',
  'pending-cleared': 'AWSPENDING cleared, new token',
  cancelled: 'cancelled, turned on again',
  'process-killed': 'SIGKILL, new process',
  'next-schedule': 'no further step, next schedule',
};

const [begin, end] = ['<!-- matrix: written by npm run matrix -- --write -->', '<!-- /matrix -->'];

const header = ['rotator', 'remote calls', ...recoveries.map((recovery) => titles[recovery])];

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function lineOf({ rotator, cells, failed }: Row): string {
  return line([
    `\`${rotator}\``,
    String(new Set(cells.map(({ call }) => call)).size),
    ...recoveries.map((recovery) => {
      const of = cells.filter((cell) => cell.recovery === recovery).length;
      return `${of - failed.filter((cell) => cell.recovery === recovery).length} of ${of}`;
    }),
  ]);
}

/** The matrix as a Markdown table: how many cells have passed, of how many, for each way to go on after the fault. */
export function matrixTable(rows: readonly Row[]): string {
  return [line(header), line(header.map(() => '---')), ...rows.map(lineOf)].join('\n');
}

/**
 * docs/matrix.md with these rows in its table. A rotator without one keeps what the table says of it.
 *
 * @param order all rotators' names; whatever else has a row loses it
 * @throws Error where the marks are missing
 */
export function withRows(page: string, rows: readonly Row[], order: readonly string[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/matrix.md lacks the marks ${begin} and ${end}.`);
  const old = page.slice(from, to).split('\n');
  const lines = order.flatMap((name) => {
    const row = rows.find(({ rotator }) => rotator === name);
    return row === undefined ? old.filter((kept) => kept.startsWith(`| \`${name}\` |`)) : lineOf(row);
  });
  const table = [matrixTable([]), ...lines].join('\n');
  return `${page.slice(0, from + begin.length)}\n${table}\n${page.slice(to)}`;
}
