import { contradictoryField, type SecretFields } from '../../src/rotator/index.ts';

/** Reads a field with seconds since 1970, and returns ms; undefined if it is absent. @throws InvalidSecretField */
export function timeMsIn(fields: SecretFields, field: string): number | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value * 1000;
  throw contradictoryField(field, 'must be a whole number of seconds since 1970');
}

/** Seconds since 1970, for a secret. Null if there are none, and for a number that {@link timeMsIn} would refuse. */
export function writtenSeconds(seconds: number | undefined): number | null {
  const whole = Math.floor(seconds ?? Number.NaN);
  return Number.isSafeInteger(whole) && whole >= 0 ? whole : null;
}
