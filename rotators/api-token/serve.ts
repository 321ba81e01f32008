import { KeyturnError, type Revocation, type Rotator } from '../../src/rotator/index.ts';
import type { TransportOptions } from '../http/transport.ts';
import { presets } from './presets/index.ts';
import { rotatorOf } from './rotator.ts';
import { readDescription } from './validate.ts';

/** Which APIs a function serves, and how it reaches them. */
export interface ApiTokensOptions extends TransportOptions {
  /** When replaced tokens are revoked, for descriptions without `revocation`. Default: `on-next-rotation`. */
  readonly revocation?: Revocation;
  /**
   * `text`: a JSON list of descriptions, and of changes to presets (`extends`). A description with the name of a preset replaces
   * the preset. `source`: what errors call the text, such as the name of a file.
   */
  readonly descriptions?: { readonly text: string; readonly source: string } | undefined;
}

/**
 * The rotators of all presets, and of the APIs in `descriptions`.
 *
 * @throws InvalidConfiguration if `descriptions` is no JSON list, or if a description in it is wrong
 */
export function apiTokens({
  descriptions,
  revocation = 'on-next-rotation',
  ...transport
}: ApiTokensOptions = {}): Rotator[] {
  const own =
    descriptions === undefined
      ? []
      : parseList(descriptions).map((one, index) => {
          const source = `${descriptions.source}[${index}]`;
          return readDescription(extended(one, source), source);
        });
  const names = new Set(own.map(({ name }) => name));
  const others = presets.filter(({ name }) => !names.has(name));
  return [...others, ...own].map((description) => rotatorOf({ revocation, ...description }, transport));
}

function parseList({ text, source }: { readonly text: string; readonly source: string }): unknown[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  if (Array.isArray(list)) return list;
  throw new KeyturnError(
    'InvalidConfiguration',
    `${source} holds no JSON list.`,
    'Write a JSON list of descriptions: docs/api-token-reference.md shows them.',
    {
      field: source,
    },
  );
}

/** The whole description, if one says only what it changes in a preset. @throws InvalidConfiguration */
function extended(one: unknown, source: string): unknown {
  if (typeof one !== 'object' || one === null || !('extends' in one)) return one;
  const { extends: name, ...changes } = one;
  const preset = presets.find((known) => known.name === name);
  if (preset !== undefined) return merged(preset, changes);
  throw new KeyturnError(
    'InvalidConfiguration',
    `${source} describes no API: extends: names no preset.`,
    `Name one of ${presets.map((known) => known.name).join(', ')}.`,
    { field: 'extends' },
  );
}

/** JSON merge patch. @see https://www.rfc-editor.org/rfc/rfc7396 */
function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else Object.defineProperty(result, name, { ...plain, value: merged(result[name], value) });
  }
  return result;
}

/** With this, `__proto__` in the JSON is a member like any other. An assignment would set the prototype. */
const plain = { enumerable: true, configurable: true, writable: true };

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
