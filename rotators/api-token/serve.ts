import { KeyturnError, type Revocation, type Rotator } from '../../src/rotator/index.ts';
import type { TransportOptions } from '../http/transport.ts';
import { presets } from './presets/index.ts';
import { rotatorOf } from './rotator.ts';
import { readDescription } from './validate.ts';

/** What a function serves besides the APIs that come described. */
export interface ApiTokensOptions extends TransportOptions {
  /** For descriptions that don't say. Default: `on-next-rotation`. */
  readonly revocation?: Revocation;
  /** A JSON list of descriptions; one of the name of a ready one takes its place. */
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
      : parseList(descriptions).map((one, index) => readDescription(one, `${descriptions.source}[${index}]`));
  const names = new Set(own.map(({ name }) => name));
  const ready = presets.filter(({ name }) => !names.has(name));
  return [...ready, ...own].map((description) => rotatorOf({ revocation, ...description }, transport));
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
