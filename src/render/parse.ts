import type { Span } from '../documents/form.ts';
import { type Format, indexesOf, marker, placeholderEnd, SyntaxProblem, type ValuePlace } from './format.ts';
import { type RenderProblem, RenderProblems } from './problems.ts';
import { MalformedReference, parseReference, type Reference, type Variables } from './reference.ts';
import { createLocator, type Position } from './template.ts';

/** A placeholder, or the escaped marker `$${secret:`. */
export interface Placeholder {
  readonly place: ValuePlace;
  /** Its range in the text of its place. */
  readonly span: Span;
  /** Its index in the template. */
  readonly index: number;
  /** Undefined for an escaped marker. */
  readonly reference: Reference | undefined;
}

/** A template that is valid in its format. */
export interface ParsedTemplate {
  readonly text: string;
  readonly format: Format;
  readonly places: readonly ValuePlace[];
  /** Placeholders that are well-formed and in a value. */
  readonly placeholders: readonly Placeholder[];
  /** Problems of the other placeholders. They are reported together with those of reading secrets. */
  readonly problems: readonly RenderProblem[];
  readonly positionOf: (index: number) => Position;
}

/** A reference and its position. */
export interface PlacedReference extends Position {
  readonly reference: Reference;
}

/** The references of a template, in order. */
export function referencesOf({ placeholders, positionOf }: ParsedTemplate): PlacedReference[] {
  return placeholders.flatMap(({ reference, index }) =>
    reference === undefined ? [] : [{ reference, ...positionOf(index) }],
  );
}

/**
 * Reads a template and its placeholders.
 *
 * @throws RenderProblems (InvalidTemplate) if the template is not valid in its format
 */
export function parseTemplate(text: string, format: Format, variables: Variables): ParsedTemplate {
  const positionOf = createLocator(text);
  const problems: RenderProblem[] = [];
  const placeholders: Placeholder[] = [];
  const fail = (index: number, message: string): void => {
    problems.push({ ...positionOf(index), code: 'InvalidTemplate', message });
  };
  const scanned = scanOrFail(text, format, positionOf);
  for (const place of scanned.places) {
    const { found, broken } = findPlaceholders(place.text, variables);
    const spans = place.locate(found.map(({ span }) => span));
    const sourceOf = markerSources(place, text);
    for (const { at, reason } of broken) fail(sourceOf(at), `The placeholder ${reason}.`);
    for (const [order, { span, reference }] of found.entries()) {
      const index = spans?.[order]?.start ?? sourceOf(place.text.indexOf(marker, span.start));
      if (spans === undefined && place.anew === undefined) {
        fail(index, 'A placeholder must stand in one piece: not partly in a CDATA section.');
      } else if (format.needsFilters === true && reference?.filters.length === 0) {
        fail(
          index,
          'The format of the file is not known: say how the value is written, such as |json or |raw.',
        );
      } else placeholders.push({ place, span, index, reference });
    }
  }
  const isInside = (spans: readonly Span[], index: number): boolean =>
    spans.some(({ start, end }) => index >= start && index < end);
  const held = [...scanned.places.map(({ span }) => span), ...scanned.comments];
  for (const index of indexesOf(text, marker)) {
    if (!isInside(held, index)) fail(index, 'A placeholder must stand in a value, and here is none.');
  }
  return { text, format, places: scanned.places, placeholders, problems, positionOf };
}

/** Maps a marker's index in a place's text to its index in the template; the place's start if that can't be told. */
function markerSources({ text: read, span }: ValuePlace, template: string): (at: number) => number {
  const markers = [...indexesOf(read, marker)];
  const sources = [...indexesOf(template.slice(0, span.end), marker, span.start)];
  return (at) => (markers.length === sources.length ? sources[markers.indexOf(at)] : undefined) ?? span.start;
}

function scanOrFail(text: string, format: Format, positionOf: ParsedTemplate['positionOf']) {
  try {
    return format.scan(text);
  } catch (error) {
    // The parsers of JSON and TOML let the stack overflow if a template is nested thousands deep.
    const problem = error instanceof RangeError ? new SyntaxProblem(0, 'it is nested too deeply') : error;
    if (!(problem instanceof SyntaxProblem)) throw error;
    const message = `The template is not valid: ${problem.message}.`;
    throw new RenderProblems([{ ...positionOf(problem.index), code: 'InvalidTemplate', message }]);
  }
}

interface Found {
  readonly found: { readonly span: Span; readonly reference: Reference | undefined }[];
  readonly broken: { readonly at: number; readonly reason: string }[];
}

function findPlaceholders(text: string, variables: Variables): Found {
  const found: Found['found'] = [];
  const broken: Found['broken'] = [];
  for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, at)) {
    const start = at;
    at += marker.length;
    if (text[start - 1] === '$') {
      found.push({ span: { start: start - 1, end: at }, reference: undefined });
      continue;
    }
    try {
      const { reference, end } = parseReference(text, at, variables, '}');
      found.push({ span: { start, end }, reference });
      at = end;
    } catch (error) {
      if (!(error instanceof MalformedReference)) throw error;
      broken.push({ at: start, reason: error.message });
      // Skip markers inside of the placeholder.
      at = placeholderEnd(text, start) ?? at;
    }
  }
  return { found, broken };
}
