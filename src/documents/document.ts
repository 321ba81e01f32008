import { KeyturnError } from '../errors.ts';
import type { SecretFields } from './fields.ts';

/** A secret's string, read. */
export interface SecretDocument {
  readonly fields: SecretFields;
  /** The same document with some fields changed; the others, known or not, stay as they are. */
  write(changes: SecretFields): string;
}

function isObject(value: unknown): value is SecretFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a secret's string: AWS's JSON form.
 *
 * @throws SecretIsNotJson when it is not a JSON object. The message never quotes the text, which the parser's
 *   own message would.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function readDocument(text: string): SecretDocument {
  const fields = parseObject(text);
  return { fields, write: (changes) => JSON.stringify({ ...fields, ...changes }) };
}

function parseObject(text: string): SecretFields {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Falls through: the parser's error quotes the secret.
  }
  throw new KeyturnError(
    'SecretIsNotJson',
    "The secret's value is not a JSON object.",
    'Store it as JSON with engine, host, username and password.',
  );
}
