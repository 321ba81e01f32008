import { contradictoryField, KeyturnError } from '../../src/rotator/index.ts';
import type { JsonTemplate, Template } from './description.ts';

/** Returns the value of a placeholder; undefined if it has none. */
export type Values = (placeholder: string) => unknown;

const placeholderPattern = /\{([^{}]*)\}/g;

/** A placeholder as a template writes it: `{name}`, `{name?}` or `{name|value}`. */
interface Placeholder {
  readonly name: string;
  readonly isOptional: boolean;
  readonly fallback: string | undefined;
}

function parsePlaceholder(written: string): Placeholder {
  const [, name = '', mark = '', fallback = ''] = /^([^?|]*)(\?|\|(.*))?$/.exec(written) ?? [
    undefined,
    written,
  ];
  return { name, isOptional: mark === '?', fallback: mark.startsWith('|') ? fallback : undefined };
}

function writtenPlaceholders(value: unknown): Placeholder[] {
  if (typeof value === 'string')
    return [...value.matchAll(placeholderPattern)].map(([, written = '']) => parsePlaceholder(written));
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(writtenPlaceholders);
}

/** The names of the placeholders in a template, or in all templates of a value. */
export function placeholdersIn(value: unknown): string[] {
  return writtenPlaceholders(value).map(({ name }) => name);
}

/** As {@link placeholdersIn}, without the placeholders that are optional or have a fallback. */
export function requiredPlaceholdersIn(value: unknown): string[] {
  return writtenPlaceholders(value).flatMap(({ name, isOptional, fallback }) =>
    isOptional || fallback !== undefined ? [] : [name],
  );
}

/** The error for a field of the secret, or of the admin secret. */
export function fieldError(placeholder: string, problem: string): KeyturnError {
  const [, kind, name = placeholder] = /^(secret|admin)\.(.*)$/.exec(placeholder) ?? [];
  if (kind !== 'admin') return contradictoryField(name, problem);
  return new KeyturnError(
    'InvalidSecretField',
    `The admin secret's "${name}" ${problem}.`,
    'Correct the admin secret and rotate again.',
    { field: name },
  );
}

/** The field's name in the secret, for errors. */
function fieldOf(placeholder: string): string {
  return placeholder.replace(/^(secret|admin)\./, '');
}

function isValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function valueAt(written: string, values: Values): unknown {
  const { name, fallback } = parsePlaceholder(written);
  const value = values(name);
  if (isValue(value)) return value;
  if (fallback === undefined) throw fieldError(name, `is missing: the API's description needs {${name}}`);
  if (/^-?\d{1,15}$/.test(fallback)) return Number(fallback);
  return fallback === 'true' || fallback === 'false' ? fallback === 'true' : fallback;
}

function textAt(written: string, values: Values): string {
  const value = valueAt(written, values);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  const { name } = parsePlaceholder(written);
  throw fieldError(name, `must be a text or a number: {${name}} stands within one`);
}

/** Whether a template is only one optional placeholder, without a value. Then its part of the request is left out. */
export function isLeftOut(template: unknown, values: Values): boolean {
  const [, written] = typeof template === 'string' ? (/^\{([^{}]*)\}$/.exec(template) ?? []) : [];
  if (written === undefined) return false;
  const { name, isOptional } = parsePlaceholder(written);
  return isOptional && !isValue(values(name));
}

/** The value of a template that is only one placeholder; undefined if it is left out. @throws InvalidSecretField */
export function resolve(template: Template, values: Values): unknown {
  return isLeftOut(template, values) ? undefined : fillJson(template, values);
}

/**
 * Fills a template in.
 *
 * @param encode encodes a value for the place where the template goes
 * @throws InvalidSecretField if a value is missing or does not fit; the message names the field and never the value
 */
export function fill(
  template: Template,
  values: Values,
  encode: (text: string, field: string) => string,
): string {
  return template.replace(placeholderPattern, (_, written: string) =>
    encode(textAt(written, values), fieldOf(parsePlaceholder(written).name)),
  );
}

/** As {@link fill}, for each member. Members that are left out are not in the result. */
export function fillAll(
  templates: Readonly<Record<string, Template>>,
  values: Values,
  encode: (text: string, field: string) => string,
): [string, string][] {
  return Object.entries(templates)
    .filter(([, template]) => !isLeftOut(template, values))
    .map(([name, template]) => [name, fill(template, values, encode)]);
}

/** Leaves a value as it is, for a text that is encoded as a whole later. */
export function unencoded(text: string): string {
  return text;
}

/** Fills in all strings of a JSON value. JSON.stringify encodes them later. */
export function fillJson(template: JsonTemplate, values: Values): unknown {
  if (typeof template === 'string') {
    const [, written] = /^\{([^{}]*)\}$/.exec(template) ?? [];
    return written === undefined ? fill(template, values, unencoded) : valueAt(written, values);
  }
  if (typeof template !== 'object' || template === null) return template;
  if (Array.isArray(template)) {
    const parts: readonly JsonTemplate[] = template;
    return parts.filter((part) => !isLeftOut(part, values)).map((part) => fillJson(part, values));
  }
  return Object.fromEntries(
    Object.entries(template)
      .filter(([, part]) => !isLeftOut(part, values))
      .map(([name, part]) => [name, fillJson(part, values)]),
  );
}
