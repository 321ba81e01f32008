import { contradictoryField, type SecretFields } from '../../src/rotator/index.ts';

/** A whole number within limits, written as a number or a text; undefined if the field is absent. @throws InvalidSecretField */
export function optionalWholeNumber(
  fields: SecretFields,
  field: string,
  [least, most]: readonly [number, number],
): number | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most)
    return number;
  throw contradictoryField(field, `must be a whole number from ${least} to ${most}`);
}
