import { KeyturnError } from '../errors.ts';

/** The fields of a secret by name. Rotators read them with functions such as {@link requireText}. */
export type SecretFields = Readonly<Record<string, unknown>>;

function invalid(field: string, problem: string): KeyturnError {
  return new KeyturnError(
    'InvalidSecretField',
    `The secret's "${field}" ${problem}.`,
    'Correct the secret and rotate again.',
    {
      field,
    },
  );
}

/** A field that must be a non-empty string. @throws InvalidSecretField */
export function requireText(fields: SecretFields, field: string): string {
  const value = optionalText(fields, field);
  if (value === undefined) {
    throw new KeyturnError(
      'InvalidSecretField',
      `The secret's "${field}" is missing.`,
      'Add it to the secret, or name the place that holds it in the tag keyturn:fields, and rotate again.',
      { field },
    );
  }
  return value;
}

/** A field that is a non-empty string, or absent (null counts as absent). @throws InvalidSecretField */
export function optionalText(fields: SecretFields, field: string): string | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalid(field, 'must be a string');
  if (value === '') throw invalid(field, 'must not be empty');
  return value;
}

/** A TCP port, written as a number or a string. If it is absent or empty, `byDefault`. @throws InvalidSecretField */
export function optionalPort(fields: SecretFields, field: string, byDefault: number): number {
  const value = fields[field];
  if (value === undefined || value === null || value === '') return byDefault;
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw invalid(field, 'must be a whole number from 1 to 65535');
  }
  return port;
}

/**
 * AWS's field `ssl`: a boolean, or "true" or "false" in any case. Undefined if absent. AWS's templates take any other value
 * for absent. Here it is an error, because nobody can know what was intended.
 *
 * @throws InvalidSecretField
 */
export function optionalSsl(fields: SecretFields): boolean | undefined {
  const value = fields.ssl;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw invalid('ssl', 'must be true or false');
}

/** A list of exactly two different non-empty strings, or absent. @throws InvalidSecretField */
export function optionalPair(fields: SecretFields, field: string): readonly [string, string] | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.length === 2) {
    const [first, second]: unknown[] = value;
    const named = typeof first === 'string' && first !== '' && typeof second === 'string' && second !== '';
    if (named && first !== second) return [first, second];
  }
  throw invalid(field, 'must be a list of two different names');
}

/**
 * An object whose members are lists of non-empty strings. If it is absent, an empty object.
 *
 * @throws InvalidSecretField
 */
export function optionalTextLists(
  fields: SecretFields,
  field: string,
): Readonly<Record<string, readonly string[]>> {
  const value = fields[field];
  if (value === undefined || value === null) return {};
  const lists: [string, readonly string[]][] = [];
  if (typeof value === 'object' && !Array.isArray(value)) {
    for (const [name, list] of Object.entries(value)) {
      if (!Array.isArray(list) || !list.every((text) => typeof text === 'string' && text !== ''))
        throw invalid(field, 'must hold lists of names');
      lists.push([name, list]);
    }
    return Object.fromEntries(lists);
  }
  throw invalid(field, 'must be an object whose members are lists of names');
}

/** An InvalidSecretField for a field that contradicts other fields. The caller throws it. */
export function contradictoryField(field: string, problem: string): KeyturnError {
  return invalid(field, problem);
}
