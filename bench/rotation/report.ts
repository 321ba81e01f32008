import { formatMachine, type Machine } from '../support/machine.ts';
import { figure, formatTable, ratio } from '../support/table.ts';
import { type Strategy, strategies } from './contenders.ts';
import type { Case, Figures } from './measure.ts';

/** The result of a run. `ratios` of each case are Keyturn's figures divided by the template's. */
export interface RotationReport {
  readonly machine: Machine;
  /** How many rotations are measured for each median. */
  readonly rotations: number;
  readonly cases: readonly Case[];
  /** Why AWS's template was not measured. */
  readonly skipped?: string;
}

const rows: readonly (readonly [title: string, key: keyof Figures])[] = [
  ['Secrets Manager calls', 'secretsManagerCalls'],
  ['logins', 'logins'],
  ['refused logins', 'refusedLogins'],
  ['first rotation from process start, ms', 'firstRotationMs'],
  ['from process start to process end, ms', 'wholeProcessMs'],
  ['warm rotation, ms', 'warmRotationMs'],
  ['AWSCURRENT refused, ms', 'gapMs'],
  ['AWSCURRENT refused at most, ms', 'longestGapMs'],
  ['peak memory, MiB', 'peakMemoryMiB'],
];

const counts: ReadonlySet<keyof Figures> = new Set(['secretsManagerCalls', 'logins', 'refusedLogins']);

/** The report for people: a table for each strategy. */
export function formatReport({ machine, rotations, cases, skipped }: RotationReport): string {
  return [
    `Postgres. +N ms is the latency that is added to each round trip. Times are medians of ${rotations} rotations.`,
    formatMachine(machine),
    ...(skipped === undefined ? [] : [skipped]),
    ...strategies.map((strategy) => strategyTable(strategy, cases)),
  ].join('\n\n');
}

function strategyTable(strategy: Strategy, cases: readonly Case[]): string {
  const lines = cases
    .filter((measured) => measured.strategy === strategy)
    .flatMap(({ addedLatencyMs, tls, figures: { keyturn, template } }) =>
      rows.map(([title, key]) => [
        `+${addedLatencyMs} ms${tls ? ', TLS' : ''}  ${title}`,
        cell(key, keyturn?.[key]),
        cell(key, template?.[key]),
        ratio(keyturn?.[key], template?.[key]),
      ]),
    );
  return formatTable([strategy, 'Keyturn', "AWS's template", 'ratio'], lines);
}

function cell(key: keyof Figures, value: number | undefined): string {
  if (value === undefined) return '-';
  return counts.has(key) ? String(value) : figure(value);
}
