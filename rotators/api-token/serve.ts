import { KeyturnError, type Revocation, type Rotator } from '../../src/rotator/index.ts';
import type { TransportOptions } from '../http/transport.ts';
import { presets } from './presets/index.ts';
import { rotatorOf } from './rotator.ts';
import { readDescription } from './validate.ts';

/** What a function serves besides the APIs that come described. */
export interface ApiTokensOptions extends TransportOptions {
  /** For descriptions that don't say. Default: `on-next-rotation`. */
  readonly revocation?: Revocation;
  /**
   * A JSON list of descriptions, or of what is different from a preset (`extends`). One of the name of a preset takes its
   * place.
   */
  readonly descriptions?: { readonly text: string; readonly source: string } | undefined;
}

/** The rotators of all APIs that come described, and of those that a text describes. @throws InvalidConfiguration */
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
    'Put descriptions of APIs into one.',
    {
      field: source,
    },
  );
}

/** A description that says what is different from a preset, as a whole one. @throws InvalidConfiguration */
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

/** `__proto__` in a JSON is a member as any other. */
const plain = { enumerable: true, configurable: true, writable: true };

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
