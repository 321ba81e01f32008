import { KeyturnError } from '../errors.ts';

/** The units of a duration, in ms. */
const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration: milliseconds, or a number with its unit, such as `500ms`, `30s`, `5m`, `1h`, `1d`. */
export type Duration = number | `${number}${keyof typeof unitsMs}`;

/**
 * A duration in milliseconds.
 *
 * @param option the option's name, for the error
 * @throws InvalidConfiguration if it is no duration above zero
 */
export function milliseconds(duration: Duration, option: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  const factor = Object.entries(unitsMs).find(([name]) => name === unit)?.[1] ?? Number.NaN;
  const ms = typeof duration === 'number' ? duration : Number(amount) * factor;
  if (Number.isFinite(ms) && ms > 0) return ms;
  throw invalidOption(option, 'is no length of time above zero', 'Give milliseconds, or a text such as 30s.');
}

/** Requires a whole number of at least 1. @throws InvalidConfiguration */
export function count(value: number, option: string): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw invalidOption(option, 'is no whole number above zero', 'Correct it.');
}

/** The error for an invalid option. */
export function invalidOption(option: string, problem: string, remedy: string): KeyturnError {
  return new KeyturnError('InvalidConfiguration', `The option "${option}" ${problem}.`, remedy, {
    field: option,
  });
}
