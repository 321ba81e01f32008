import { SaxesParser } from 'saxes';
import type { Span } from '../../documents/form.ts';
import { FilterError, xmlText } from '../filters.ts';
import { type Format, type ScannedTemplate, SyntaxProblem, Unwritable, type ValuePlace } from '../format.ts';

/**
 * XML: attributes, text and CDATA sections. A strict parser first checks that the template is well-formed. It does not tell
 * the position of an attribute's value. So a scan then finds the places, and relies on the check.
 */
export const xmlFormat: Format = {
  name: 'xml',
  writesAscii: isOfOtherEncoding,
  scan: (text) => {
    requireWellFormed(text);
    return scan(text, isOfOtherEncoding(text));
  },
};

function isOfOtherEncoding(text: string): boolean {
  const [, encoding = 'utf-8'] = /^<\?xml[^>]*?\sencoding\s*=\s*["']([^"']+)/.exec(text) ?? [];
  return !/^utf-?8$/i.test(encoding);
}

function requireWellFormed(text: string): void {
  const parser = new SaxesParser({ xmlns: false, position: true });
  parser.on('error', ({ message }) => {
    const lineStart = text.slice(0, parser.position).lastIndexOf('\n') + 1;
    const index = Math.max(0, Math.min(lineStart + parser.columnIndex, text.length) - 1);
    throw new SyntaxProblem(index, `it is not XML: ${message.replace(/^\d+:\d+:\s*|\.$/g, '')}`);
  });
  parser.write(text).close();
}

/** A range whose characters are all escaped in the same way. */
interface Segment {
  readonly span: Span;
  readonly kind: 'text' | 'attribute' | 'cdata';
}

/** The parts of a well-formed document. A DOCTYPE may have declarations in brackets, with quotes in them. */
const markup =
  /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<!DOCTYPE(?:"[^"]*"|'[^']*'|<!--[\s\S]*?-->|\[(?:"[^"]*"|'[^']*'|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|[^\]"'])*\]|[^>"'[])*>|<(?:"[^"]*"|'[^']*'|[^>"'])*>/g;
const attribute = /=\s*(?:"([^"]*)"|'([^']*)')/dg;

function scan(text: string, onlyAscii: boolean): ScannedTemplate {
  const places: ValuePlace[] = [];
  const comments: Span[] = [];
  // A reader sees adjacent text and CDATA sections as one value.
  let run: Segment[] = [];
  const endRun = (): void => {
    if (run.some(({ span }) => span.end > span.start)) places.push(valuePlaceOf(text, run, onlyAscii));
    run = [];
  };
  let at = 0;
  for (const { 0: token, index: start } of text.matchAll(markup)) {
    run.push({ kind: 'text', span: { start: at, end: start } });
    at = start + token.length;
    if (token.startsWith('<![CDATA[')) {
      run.push({ kind: 'cdata', span: { start: start + 9, end: at - 3 } });
      continue;
    }
    endRun();
    if (token.startsWith('<!--')) comments.push({ start, end: at });
    if (!/^<[^!?/]/.test(token)) continue;
    for (const { indices } of token.matchAll(attribute)) {
      const [from = 0, to = 0] = indices?.[1] ?? indices?.[2] ?? [];
      const span = { start: start + from, end: start + to };
      places.push(valuePlaceOf(text, [{ kind: 'attribute', span }], onlyAscii));
    }
  }
  run.push({ kind: 'text', span: { start: at, end: text.length } });
  endRun();
  return { places, comments };
}

/** A character as a parser reads it, and its position. */
interface Read {
  readonly char: string;
  readonly start: number;
  readonly segment: Segment;
}

function valuePlaceOf(text: string, segments: readonly Segment[], onlyAscii: boolean): ValuePlace {
  const read = segments.flatMap((segment) => [...readSegment(text, segment)]);
  const end = segments.at(-1)?.span.end ?? 0;
  return {
    span: { start: segments[0]?.span.start ?? 0, end },
    text: read.map(({ char }) => char).join(''),
    locate: (parts) => {
      const spans = parts.map((part) => {
        const [first, last] = [read[part.start], read[part.end - 1]];
        if (first === undefined || first.segment !== last?.segment) return undefined;
        const next = read[part.end];
        return {
          start: first.start,
          end: next?.segment === first.segment ? next.start : first.segment.span.end,
        };
      });
      return spans.every((span) => span !== undefined) ? spans : undefined;
    },
    inPlace: (value, { index }) => write(value, read[index]?.segment.kind, onlyAscii),
  };
}

/** Line breaks are read as XML's parsers read them. @see https://www.w3.org/TR/xml/#sec-line-ends */
function* readSegment(text: string, segment: Segment): Generator<Read> {
  const { kind, span } = segment;
  const token = kind === 'cdata' ? /\r\n|[\s\S]/g : /\r\n|&[^;]*;|[\s\S]/g;
  for (const { 0: source, index } of text.slice(span.start, span.end).matchAll(token)) {
    const start = span.start + index;
    const decoded =
      source.length > 1 && source.startsWith('&') ? decodeReference(source) : lineBreak(source, kind);
    // One entry for each UTF-16 unit, so that the indexes match the text's.
    for (let unit = 0; unit < decoded.length; unit += 1) yield { char: decoded.charAt(unit), start, segment };
  }
}

function lineBreak(source: string, kind: Segment['kind']): string {
  if (kind === 'attribute' && /^\s/.test(source)) return ' ';
  return source === '\r\n' || source === '\r' ? '\n' : source;
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
};

function decodeReference(source: string): string {
  const [, hexadecimal, decimal] = /^&#(?:x([\da-f]+)|(\d+));$/i.exec(source) ?? [];
  if (hexadecimal !== undefined) return String.fromCodePoint(Number.parseInt(hexadecimal, 16));
  if (decimal !== undefined) return String.fromCodePoint(Number.parseInt(decimal, 10));
  return entities[source] ?? source;
}

/** Plain texts without a bracket or a `>`, which could become a part of the section's end `]]>`. */
const plainInSection = /^(?!.*[\]>])[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

function write(value: string, kind: Segment['kind'] | undefined, onlyAscii: boolean): string | Unwritable {
  try {
    const escaped = xmlText(value, onlyAscii);
    if (kind !== 'cdata') return escaped;
    const isPlain = plainInSection.test(value) && (!onlyAscii || !/[^ -~]/.test(value));
    // End the section, write escaped text, and begin another section: readers see one text.
    return isPlain ? value : `]]>${escaped}<![CDATA[`;
  } catch (error) {
    if (error instanceof FilterError) return new Unwritable(error.message);
    throw error;
  }
}
