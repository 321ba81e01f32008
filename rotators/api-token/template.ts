import { contradictoryField, KeyturnError } from '../../src/rotator/index.ts';
import type { JsonTemplate, Template } from './description.ts';

/** Returns the value of a place; undefined if it has none. */
export type Values = (place: string) => unknown;

const places = /\{([^{}]*)\}/g;

/** A place as a template writes it: `{name}`, `{name?}` or `{name|value}`. */
interface TemplatePlace {
  readonly name: string;
  readonly isOptional: boolean;
  readonly fallback: string | undefined;
}

function parsePlace(written: string): TemplatePlace {
  const [, name = '', mark = '', fallback = ''] = /^([^?|]*)(\?|\|(.*))?$/.exec(written) ?? [
    undefined,
    written,
  ];
  return { name, isOptional: mark === '?', fallback: mark.startsWith('|') ? fallback : undefined };
}

function writtenPlaces(value: unknown): TemplatePlace[] {
  if (typeof value === 'string')
    return [...value.matchAll(places)].map(([, written = '']) => parsePlace(written));
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(writtenPlaces);
}

/** The names of the places in a template, or in all templates of a value. */
export function placesIn(value: unknown): string[] {
  return writtenPlaces(value).map(({ name }) => name);
}

/** As {@link placesIn}, without the places that are optional or have a fallback. */
export function requiredPlacesIn(value: unknown): string[] {
  return writtenPlaces(value).flatMap(({ name, isOptional, fallback }) =>
    isOptional || fallback !== undefined ? [] : [name],
  );
}

/** The error for a field of the secret, or of the admin secret. */
export function fieldError(place: string, problem: string): KeyturnError {
  const [, kind, name = place] = /^(secret|admin)\.(.*)$/.exec(place) ?? [];
  if (kind !== 'admin') return contradictoryField(name, problem);
  return new KeyturnError(
    'InvalidSecretField',
    `The admin secret's "${name}" ${problem}.`,
    'Correct the admin secret and rotate again.',
    { field: name },
  );
}

/** The field's name in the secret, for errors. */
function fieldOf(place: string): string {
  return place.replace(/^(secret|admin)\./, '');
}

function isValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function valueAt(written: string, values: Values): unknown {
  const { name, fallback } = parsePlace(written);
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
  const { name } = parsePlace(written);
  throw fieldError(name, `must be a text or a number: {${name}} stands within one`);
}

/** Whether a template is only one optional place, without a value. Then its part of the request is left out. */
export function isLeftOut(template: unknown, values: Values): boolean {
  const [, written] = typeof template === 'string' ? (/^\{([^{}]*)\}$/.exec(template) ?? []) : [];
  if (written === undefined) return false;
  const { name, isOptional } = parsePlace(written);
  return isOptional && !isValue(values(name));
}

/** The value of a template that is only one place; undefined if it is left out. @throws InvalidSecretField */
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
  return template.replace(places, (_, written: string) =>
    encode(textAt(written, values), fieldOf(parsePlace(written).name)),
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
