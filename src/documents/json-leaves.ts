import { isKeyturnError } from '../errors.ts';
import { type Embedding, nest, type Span } from './form.ts';
import { type JsonNode, scanJson, stringOffsets } from './json-scanner.ts';

/** A single value of a secret with many: in JSON, in JSON within a string, or in KEY=value lines. */
export interface Leaf {
  /** Names with dots between them. */
  readonly path: string;
  /** Path of the object that holds it; empty for the root. */
  readonly scope: string;
  readonly name: string;
  readonly value: unknown;
  readonly span: Span;
  encode(value: unknown): string;
  /** The text of a string; undefined for anything else. */
  readonly embedding: Embedding | undefined;
  /** True for a string that holds JSON, whose leaves follow. */
  readonly isContainer?: boolean;
}

/** What looks like JSON; comments may come first. */
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
}

/** The leaves of a string that holds a JSON object; none for any other text. */
export function* innerLeaves(embedding: Embedding): Generator<Leaf> {
  if (!/^\s*\{/.test(embedding.text)) return;
  const root = scanned(embedding.text);
  if (root?.members === undefined) return;
  // Their nodes are of another text.
  for (const { node, ...leaf } of jsonLeaves(embedding.text, root, embedding)) yield leaf;
}

/** A text that only begins like JSON is not JSON. */
function scanned(text: string): JsonNode | undefined {
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

/** A JSON string, as a text in which another text can be. Unchanged parts keep their escapes. */
function jsonString(text: string, span: Span, value: string, path: string): Embedding {
  return {
    path,
    text: value,
    offsets: stringOffsets(text, span),
    encode: (chunk) => JSON.stringify(chunk).slice(1, -1),
  };
}
