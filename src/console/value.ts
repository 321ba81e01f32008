import { readDocument } from '../documents/document.ts';
import type { FormName } from '../documents/form.ts';
import { isKeyturnError } from '../errors.ts';
import { isCredentialKey } from '../render/secrets.ts';

/** A field of a value. */
export interface ShownField {
  readonly name: string;
  readonly value: string;
  /** Whether it is masked until it is shown by its own button. */
  readonly isSecret: boolean;
}

/** A value and its fields. */
export interface ShownValue {
  /** The name of its form. */
  readonly form: string;
  readonly fields: readonly ShownField[];
  /** The whole value, as it is stored. */
  readonly text: string;
}

const forms: Readonly<Record<FormName, string>> = {
  json: 'JSON',
  'ado-net': 'ADO.NET connection string',
  odbc: 'ODBC connection string',
  url: 'URL',
  libpq: 'libpq connection string',
  jdbc: 'JDBC URL',
  env: 'KEY=value lines',
  'stackexchange-redis': 'StackExchange.Redis configuration',
  text: 'Plain text',
};

/** Takes a value apart by its form. A value without a known form has no fields. */
export function showValue(text: string): ShownValue {
  try {
    const { form, fields } = readDocument(text);
    if (form === 'text') return plain(text);
    const shown = Object.entries(fields)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => ({ name, value: asText(value), isSecret: isCredentialKey(name) }));
    return { form: forms[form], fields: shown, text };
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    return plain(text);
  }
}

function plain(text: string): ShownValue {
  return { form: forms.text, fields: [], text };
}

function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
