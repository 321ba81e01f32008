import { isKeyturnError, type KeyturnError } from '../errors.ts';
import { connectionText, type Embedding, nest, notHeld, type Span } from './form.ts';
import { type JsonNode, scanJson, stringOffsets } from './json-scanner.ts';
import { isKeyValueLines, type Line, readLines } from './lines-scanner.ts';

/** A single value of a secret that has many: in JSON, in KEY=value lines, or in a string that holds either. */
export interface Leaf {
  /** Names with dots between them. */
  readonly path: string;
  /** Path of the object that holds it. Empty for the root. */
  readonly scope: string;
  readonly name: string;
  readonly value: unknown;
  readonly span: Span;
  encode(value: unknown): string;
  /** The text, if the value is a string. Undefined for any other value. */
  readonly embedding: Embedding | undefined;
  /** True for a string that holds JSON or KEY=value lines, whose leaves follow. */
  readonly isContainer?: boolean;
  /** Characters that a new value should not have, because of the text that holds it. */
  readonly unsafeCharacters?: string;
}

/** Matches what looks like JSON. Comments may come first. */
export const startsAsJson = /^(?:\s|\/\/[^\n]*\n|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*[{["]/;

/**
 * The leaves of a JSON text. Each has its node, unless it is in JSON within a string.
 *
 * @param outer where the text is embedded
 */
export function* jsonLeaves(
  text: string,
  root: JsonNode,
  outer?: Embedding,
): Generator<Leaf & { readonly node?: JsonNode }> {
  const base = outer?.path ?? '';
  const walk = function* (
    node: JsonNode,
    scope: string,
    name: string,
  ): Generator<Leaf & { readonly node?: JsonNode }> {
    const path = scope === '' ? name : `${scope}.${name}`;
    if (node.members !== undefined)
      for (const member of node.members) yield* walk(member.node, path, member.name);
    else if (node.items !== undefined)
      for (const [index, item] of node.items.entries()) yield* walk(item, path, String(index));
    else {
      const leaf = leafOf(text, node, { path, scope, name }, outer);
      const inner = leaf.embedding === undefined ? [] : [...innerLeaves(leaf.embedding)];
      yield { ...leaf, isContainer: inner.length > 0 };
      yield* inner;
    }
  };
  for (const member of root.members ?? []) yield* walk(member.node, base, member.name);
  for (const [index, item] of (root.items ?? []).entries()) yield* walk(item, base, String(index));
}

/** The leaves of a string that holds a JSON object, a JSON list or KEY=value lines. None for any other text. */
function* innerLeaves(embedding: Embedding): Generator<Leaf> {
  if (!/^\s*[{[]/.test(embedding.text)) {
    yield* innerLines(embedding);
    return;
  }
  const root = scanJsonIfPossible(embedding.text);
  if (root?.members === undefined && root?.items === undefined) return;
  // The places of their nodes are those in the inner text.
  for (const { node, ...leaf } of jsonLeaves(embedding.text, root, embedding)) yield leaf;
}

/** Undefined for a text that only begins like JSON. */
function scanJsonIfPossible(text: string): JsonNode | undefined {
  try {
    return scanJson(text);
  } catch (error) {
    if (isKeyturnError(error)) return undefined;
    throw error;
  }
}

function leafOf(
  text: string,
  node: JsonNode,
  names: Pick<Leaf, 'path' | 'scope' | 'name'>,
  outer: Embedding | undefined,
): Leaf & { readonly node: JsonNode } {
  const { value, span } = node;
  const own = typeof value === 'string' ? jsonString(text, span, value, names.path) : undefined;
  const encode = (changed: unknown): string => JSON.stringify(changed);
  if (outer === undefined) return { ...names, node, value, span, encode, embedding: own };
  const last = outer.offsets.at(-1) ?? 0;
  return {
    ...names,
    node,
    value,
    span: { start: outer.offsets[span.start] ?? last, end: outer.offsets[span.end] ?? last },
    encode: (changed) => outer.encode(encode(changed)),
    embedding: own === undefined ? undefined : { ...nest(outer, own), path: names.path },
  };
}

/** A JSON string, as a text that can hold another one. Unchanged parts keep their escapes. */
function jsonString(text: string, span: Span, value: string, path: string): Embedding {
  return {
    path,
    text: value,
    offsets: stringOffsets(text, span),
    encode: (chunk) => JSON.stringify(chunk).slice(1, -1),
  };
}

/** A new password in a line should have no punctuation but `-`, `.` and `_`. A shell takes the tilde for a home folder. */
export const unsafeInLines = '!"#$%&\'()*+,/:;<=>?@[\\]^`{|}~';

export function slotOfLine({ value, span, quote, key }: Line): {
  value: string;
  span: Span;
  encode: (value: unknown) => string;
} {
  return { value, span, encode: (changed) => quoted(key, changed, quote) };
}

export function pathOfLine({ section, key }: Line): string {
  return section === '' ? key : `${section}.${key}`;
}

/**
 * The leaves of lines within another text, such as a file that is a value of a JSON secret. None if readers read any of the
 * lines in different ways.
 */
function* innerLines(outer: Embedding): Generator<Leaf> {
  if (!outer.text.includes('\n') || !isKeyValueLines(outer.text)) return;
  const lines = readLines(outer.text);
  if (lines.some(({ dispute }) => dispute !== undefined)) return;
  const last = outer.offsets.at(-1) ?? 0;
  for (const leaf of lines.flatMap((line) => leavesOfLine(line))) {
    const { path, scope, span, embedding, encode } = leaf;
    yield {
      ...leaf,
      path: `${outer.path}.${path}`,
      scope: scope === '' ? outer.path : `${outer.path}.${scope}`,
      span: { start: outer.offsets[span.start] ?? last, end: outer.offsets[span.end] ?? last },
      encode: (changed) => outer.encode(encode(changed)),
      embedding: embedding === undefined ? undefined : nest(outer, embedding),
      unsafeCharacters: unsafeInLines,
    };
  }
}

/** The leaf of a line, and the leaves of a text that its value holds. */
export function leavesOfLine(line: Line): Leaf[] {
  const { section, key, value, span, quote } = line;
  const path = pathOfLine(line);
  const first = span.start + quote.length;
  const embedding: Embedding = {
    path,
    text: value,
    offsets: Array.from({ length: value.length + 1 }, (_, index) => first + index),
    encode: (chunk) => {
      // A line without quotes may keep characters that it already has. JSON in it, for example, has quotes.
      const isUsual = (character: string): boolean =>
        fits(character, quote) || (quote === '' && character !== '#' && value.includes(character));
      if ([...chunk].every(isUsual)) return chunk;
      throw notHeldByEnv(key);
    },
  };
  const { encode } = slotOfLine(line);
  const inner = [...innerLeaves(embedding)];
  const leaf = {
    path,
    scope: section,
    name: key,
    value,
    span,
    encode,
    embedding,
    isContainer: inner.length > 0,
  };
  return [leaf, ...inner];
}

/** Puts a value in the quotes that it had, or in others that every reader understands. @throws InvalidSecretField */
function quoted(key: string, changed: unknown, had: string): string {
  const value = connectionText(key, changed);
  const quote = [had, "'", '"'].find((one) => fits(value, one));
  if (quote === undefined) throw notHeldByEnv(key);
  return quote + value + quote;
}

/** Whether every reader reads this text right in these quotes. */
function fits(text: string, quote: string): boolean {
  if (quote === '') return /^[\w.~:/@%+,=!*()[\]^?&;|{}<>-]*$/.test(text);
  return !text.includes(quote) && !/[\r\n]/.test(text) && (quote !== '"' || !/[\\$`]/.test(text));
}

function notHeldByEnv(key: string): KeyturnError {
  return notHeld(key, 'has quotes, spaces or line breaks that KEY=value lines can not hold for every reader');
}
