import { readDocument } from '../documents/document.ts';
import type { FormName } from '../documents/form.ts';
import { isKeyturnError } from '../errors.ts';
import { isCredentialKey } from '../render/secrets.ts';

/** A part of a value, as it is shown. */
export interface ShownField {
  readonly name: string;
  readonly value: string;
  /** Whether it stays masked until it is asked for by itself. */
  readonly isSecret: boolean;
}

/** A value, taken apart. */
export interface ShownValue {
  /** What it is, in words. */
  readonly form: string;
  readonly fields: readonly ShownField[];
  /** All of it, as it is stored. */
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

/** Takes a value apart by its form. What has none is one field. */
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
