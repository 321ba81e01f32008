import type { StepIdentity, StepReport } from '../../src/index.ts';

/** A parsed line of the function's log. */
export type LogEntry =
  | { readonly kind: 'report'; readonly report: StepReport }
  | { readonly kind: 'note'; readonly step: StepIdentity; readonly message: string };

/** Reads a line of the function's log; undefined if it is not about a step, or no JSON. */
export function readLogLine(line: string): LogEntry | undefined {
  if (!line.startsWith('{"level"')) return undefined;
  const entry: StepReport & { readonly level: string; readonly message: string } = JSON.parse(line);
  const { level, message } = entry;
  if (/^Rotation step (ended|failed)$/.test(message)) return { kind: 'report', report: entry };
  return level === 'WARN' && entry.step !== undefined ? { kind: 'note', step: entry, message } : undefined;
}
