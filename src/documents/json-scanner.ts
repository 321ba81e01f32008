import { malformed, type Span } from './form.ts';

/** A value of a JSON text, and where it stands. */
export interface JsonNode {
  readonly span: Span;
  readonly value: unknown;
  /** The members of an object, in order, duplicates included. Undefined for any other value. */
  readonly members: readonly JsonMember[] | undefined;
  /** The values of a list. Undefined for any other value. */
  readonly items?: readonly JsonNode[];
}

export interface JsonMember {
  readonly name: string;
  readonly nameSpan: Span;
  readonly node: JsonNode;
}

// The tokens of https://www.rfc-editor.org/rfc/rfc8259, and comments, which readers of configuration files allow.
const space = /(?:[ \t\n\r]|\/\/[^\n\r]*|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*/y;
const string = /"[ !#-[\]-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\u{10ffff}]*)*"/uy;
const scalar = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

/** Real secrets are not nested deeper. A deeper text is meant to exhaust the stack. */
const deepest = 400;

/**
 * Reads a JSON text as JSON.parse does, and also notes where everything stands. Comments are allowed. If a name is there
 * twice, the last one counts.
 *
 * @throws MalformedSecret
 */
export function scanJson(text: string): JsonNode {
  let at = 0;

  const take = (token: RegExp): string | undefined => {
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const skip = (): void => {
    take(space);
  };
  const takeChar = (char: string): boolean => {
    skip();
    if (text[at] !== char) return false;
    at += 1;
    return true;
  };
  const fail = (reason: string): never => {
    throw malformed('json', at, at >= text.length ? 'it ends too early' : reason);
  };

  const readValue = (depth: number): JsonNode => {
    if (depth > deepest) fail('it is nested too deeply');
    skip();
    const start = at;
    if (text[at] === '{') return readObject(start, depth);
    if (text[at] === '[') return readList(start, depth);
    const token = take(text[at] === '"' ? string : scalar);
    if (token === undefined) return fail(text[at] === '"' ? 'the string does not end' : 'no value');
    return { span: { start, end: at }, value: JSON.parse(token), members: undefined };
  };

  const readObject = (start: number, depth: number): JsonNode => {
    at += 1;
    const members: JsonMember[] = [];
    if (!takeChar('}')) {
      do members.push(readMember(depth));
      while (takeChar(','));
      if (!takeChar('}')) fail('neither a comma nor the closing brace');
    }
    const value = Object.fromEntries(members.map(({ name, node }) => [name, node.value]));
    return { span: { start, end: at }, value, members };
  };

  const readMember = (depth: number): JsonMember => {
    skip();
    const start = at;
    const token = take(string);
    if (token === undefined) return fail('no name in double quotes');
    const nameSpan = { start, end: at };
    if (!takeChar(':')) fail('no colon after a name');
    return { name: JSON.parse(token), nameSpan, node: readValue(depth + 1) };
  };

  const readList = (start: number, depth: number): JsonNode => {
    at += 1;
    const items: JsonNode[] = [];
    if (!takeChar(']')) {
      do items.push(readValue(depth + 1));
      while (takeChar(','));
      if (!takeChar(']')) fail('neither a comma nor the closing bracket');
    }
    return { span: { start, end: at }, value: items.map(({ value }) => value), members: undefined, items };
  };

  const root = readValue(0);
  skip();
  if (at < text.length) fail('something follows the end');
  return root;
}

/**
 * Where each UTF-16 unit of a JSON string's value stands in the text. The last offset is that of the closing quote.
 *
 * @param span of the string, quotes included
 */
export function stringOffsets(text: string, span: Span): readonly number[] {
  const offsets: number[] = [];
  let at = span.start + 1;
  while (at < span.end - 1) {
    offsets.push(at);
    if (text[at] !== '\\') at += 1;
    else at += text[at + 1] === 'u' ? 6 : 2;
  }
  offsets.push(span.end - 1);
  return offsets;
}
