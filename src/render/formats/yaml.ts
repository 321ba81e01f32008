import { Composer, isAlias, isMap, isScalar, isSeq, type ParsedNode, Parser, Scalar } from 'yaml';
import type { Span } from '../../documents/form.ts';
import { doubleQuotedText, yamlString } from '../filters.ts';
import { byOccurrence, type Format, marker, SyntaxProblem, Unwritable, type ValuePlace } from '../format.ts';

/** YAML 1.2, of one document or several. */
export const yamlFormat: Format = {
  name: 'yaml',
  scan: (text) => {
    const tokens = [...new Parser().parse(text)];
    const composer = new Composer({ prettyErrors: false, keepSourceTokens: true, logLevel: 'silent' });
    const places: ValuePlace[] = [];
    for (const document of composer.compose(tokens, true, text.length)) {
      const [error] = document.errors;
      if (error !== undefined)
        throw new SyntaxProblem(error.pos[0], describe(error.message, text, error.pos[0]));
      places.push(...placesIn(document.contents, text));
    }
    return { places, comments: [...commentsIn(tokens)] };
  },
};

/** The values of a node. Keys don't count, nor do aliases, which only refer to a value. */
function* placesIn(node: ParsedNode | null, text: string): Generator<ValuePlace> {
  if (node === null || isAlias(node)) return;
  if (isMap(node)) {
    for (const { value } of node.items) yield* placesIn(value, text);
  } else if (isSeq(node)) {
    for (const item of node.items) if (isNode(item)) yield* placesIn(item, text);
  } else if (isScalar(node) && typeof node.value === 'string') {
    yield scalarPlace(node.value, node, text);
  }
}

/** A pair in a list, such as `[a: b]`, is a map of its own. */
function isNode(item: unknown): item is ParsedNode {
  return isMap(item) || isSeq(item) || isScalar(item) || isAlias(item);
}

function scalarPlace(value: string, { range, type }: Scalar.Parsed, text: string): ValuePlace {
  const [start, valueEnd] = range;
  const isBlock = type === Scalar.BLOCK_LITERAL || type === Scalar.BLOCK_FOLDED;
  const source = text.slice(start, valueEnd);
  // Keep the line break after a block.
  const end = isBlock ? start + source.trimEnd().length : valueEnd;
  const span = { start, end };
  const header = isBlock ? (/^[|>][-+\d]*([ \t]+#[^\r\n]*)?/.exec(source)?.[1] ?? '') : '';
  return {
    span,
    text: value,
    locate: byOccurrence(text, span, value),
    inPlace: writerOf(type, source),
    anew: (changed) => yamlString(changed) + header,
    takesTyped: !isBlock,
  };
}

const plainCharacters = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u;

/** Whether a text can stand on a line without quotes. Folding would remove a space at its edges. */
function isPlainLine(value: string): boolean {
  return plainCharacters.test(value) && !/^ | $/.test(value);
}

function writerOf(type: Scalar.Type | undefined, source: string): ValuePlace['inPlace'] {
  switch (type) {
    case Scalar.QUOTE_DOUBLE:
      return doubleQuotedText;
    case Scalar.QUOTE_SINGLE:
      return (value) =>
        value === '' || isPlainLine(value)
          ? value.replaceAll("'", "''")
          : new Unwritable('can not stand in single quotes');
    case Scalar.BLOCK_FOLDED:
      return (value) => (isPlainLine(value) ? value : new Unwritable('can not stand in a folded block'));
    case Scalar.BLOCK_LITERAL:
      return (value) => literalLines(value, source);
    default:
      return () => new Unwritable('can not stand without quotes');
  }
}

/** Lines of a literal block, indented like its first line. */
function literalLines(value: string, source: string): string | Unwritable {
  const lines = value.split('\n');
  const areWritable = lines.every((line) => line === '' || plainCharacters.test(line));
  if (!areWritable || !isPlainLine(lines[0] ?? '') || !isPlainLine(lines.at(-1) ?? '')) {
    return new Unwritable('can not stand in a block');
  }
  const [, lineBreak = '\n', indentation = ''] = /(\r?\n)([ ]*)[^ \r\n]/.exec(source) ?? [];
  return lines.map((line, index) => (index === 0 || line === '' ? line : indentation + line)).join(lineBreak);
}

function* commentsIn(token: unknown): Generator<Span> {
  if (typeof token !== 'object' || token === null) return;
  if (isComment(token)) yield { start: token.offset, end: token.offset + token.source.length };
  for (const part of Object.values(token)) yield* commentsIn(part);
}

function isComment(token: object): token is { readonly offset: number; readonly source: string } {
  return (
    'type' in token &&
    token.type === 'comment' &&
    'offset' in token &&
    typeof token.offset === 'number' &&
    'source' in token &&
    typeof token.source === 'string'
  );
}

function describe(message: string, text: string, index: number): string {
  // The parser reports an overflow of its stack as an error of the document.
  if (message.startsWith('Maximum call stack')) return 'it is nested too deeply';
  const lineStart = text.lastIndexOf('\n', index - 1) + 1;
  const lineEnd = text.indexOf('\n', index);
  const line = text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd);
  const hint = line.includes(marker) ? '; a placeholder between brackets or braces must be in quotes' : '';
  return `it is not YAML: ${message}${hint}`;
}
