import { formatMachine, type Machine } from '../support/machine.ts';
import { formatTable } from '../support/table.ts';
import { contenders } from './contenders.ts';
import type { LibraryFigures } from './library.ts';
import type { CaseFigures, Figures } from './measure.ts';

/** The result of a run. */
export interface ClientReport {
  readonly machine: Machine;
  readonly rotations: number;
  readonly library: LibraryFigures;
  readonly totals: Readonly<Record<string, Figures>>;
  readonly cases: readonly CaseFigures[];
}

/** The figures of each contender over all cases. */
export function totalsOf(cases: readonly CaseFigures[]): Record<string, Figures> {
  const rotations = cases.reduce((sum, measured) => sum + measured.rotations, 0);
  return Object.fromEntries(
    contenders.map(({ name }) => {
      const all = cases.flatMap((measured) => measured.contenders[name] ?? []);
      const sum = (key: 'calls' | 'failures' | 'secretsManagerCalls') =>
        all.reduce((total, one) => total + one[key], 0);
      const secretsManagerCalls = sum('secretsManagerCalls');
      const figures: Figures = {
        calls: sum('calls'),
        failures: sum('failures'),
        longestCallMs: Math.max(0, ...all.map(({ longestCallMs }) => longestCallMs)),
        secretsManagerCalls,
        secretsManagerCallsPerRotation: Math.round((100 * secretsManagerCalls) / rotations) / 100,
      };
      return [name, figures];
    }),
  );
}

/** The report for people. */
export function formatReport({ machine, rotations, library, totals, cases }: ClientReport): string {
  const header = ['', 'calls', 'errors', 'longest, ms', 'SM calls', 'for each rotation'];
  const rowsOf = (figures: Readonly<Record<string, Figures>>) =>
    Object.entries(figures).map(([name, one]) => [
      name,
      String(one.calls),
      String(one.failures),
      String(one.longestCallMs),
      String(one.secretsManagerCalls),
      one.secretsManagerCallsPerRotation.toFixed(2),
    ]);
  const { cachedGetNs, importMs, importedBytes, importedGzipBytes, readerBytes, allBytes } = library;
  const kB = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;
  return [
    `Applications during ${rotations} rotations. All use the same secret at the same time.`,
    formatMachine(machine),
    contenders.map(({ name, about }) => `${name}: ${about}`).join('\n'),
    formatTable(['all', ...header.slice(1)], rowsOf(totals)),
    ...cases.map((measured) =>
      formatTable([`${measured.case} (${measured.server})`, ...header.slice(1)], rowsOf(measured.contenders)),
    ),
    `get() from the cache: ${cachedGetNs} ns. Import: ${importMs.toFixed(1)} ms, ${kB(importedBytes)} (${kB(importedGzipBytes)} with gzip); with the first value ${kB(readerBytes)} more. With all pools: ${kB(allBytes)}.`,
  ].join('\n\n');
}
