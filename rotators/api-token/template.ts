import { contradictoryField } from '../../src/rotator/index.ts';
import type { JsonTemplate, Template } from './description.ts';

/** What stands at a place; undefined where there is nothing. */
export type Values = (place: string) => unknown;

const places = /\{([^{}]*)\}/g;

/** The names of the places in a template, or in all templates of a value. */
export function placesIn(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(places)].map(([, place = '']) => place);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(placesIn);
}

/** A field's name as it is known in the secret, for errors. */
function fieldOf(place: string): string {
  return place.replace(/^(secret|admin)\./, '');
}

function valueAt(place: string, values: Values): unknown {
  const value = values(place);
  if (value !== undefined && value !== null && value !== '') return value;
  throw contradictoryField(fieldOf(place), `is missing: the API's description needs {${place}}`);
}

function textAt(place: string, values: Values): string {
  const value = valueAt(place, values);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  throw contradictoryField(fieldOf(place), `must be a text or a number: {${place}} stands within one`);
}

/**
 * Fills a template in.
 *
 * @param encode makes a value fit where the template goes
 * @throws InvalidSecretField for a value that is missing or does not fit; its message names the field alone
 */
export function fill(
  template: Template,
  values: Values,
  encode: (text: string, field: string) => string,
): string {
  return template.replace(places, (_, place: string) => encode(textAt(place, values), fieldOf(place)));
}

/** As it is, for what is encoded as a whole afterwards. */
export function asIs(text: string): string {
  return text;
}

/** Fills the strings of a JSON value in; what makes the text of it encodes them. */
export function fillJson(template: JsonTemplate, values: Values): unknown {
  if (typeof template === 'string') {
    const [whole] = placesIn(template);
    return template === `{${whole}}` ? valueAt(whole ?? '', values) : fill(template, values, asIs);
  }
  if (typeof template !== 'object' || template === null) return template;
  if (Array.isArray(template)) return template.map((part: JsonTemplate) => fillJson(part, values));
  return Object.fromEntries(Object.entries(template).map(([name, part]) => [name, fillJson(part, values)]));
}
