import { applyEdits, type Edit } from '../documents/form.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import { FilterError } from './filters.ts';
import { type Format, marker, SyntaxProblem, Unwritable, type ValuePlace } from './format.ts';
import type { ParsedTemplate, Placeholder } from './parse.ts';
import { type RenderProblem, RenderProblems } from './problems.ts';
import type { Reference } from './reference.ts';
import type { Resolved, Resolver } from './secrets.ts';

/** The result of rendering. */
export interface Rendered {
  readonly text: string;
  /** The secret values in the file, before the format's own escapes. */
  readonly credentials: readonly string[];
}

/**
 * Writes the values into a template. Everything else stays as it is.
 *
 * @throws RenderProblems with all problems: AccessDenied, SecretNotFound, ValueNotWritable, ...
 */
export async function renderTemplate(template: ParsedTemplate, resolver: Resolver): Promise<Rendered> {
  const problems = [...template.problems];
  const texts = new Map<Placeholder, string>();
  const credentials: string[] = [];
  const settled = await Promise.all(
    template.placeholders.map(async (placeholder) => {
      try {
        const { reference } = placeholder;
        if (reference === undefined) return { placeholder, text: marker, isCredential: false };
        const resolved = await resolver.resolve(reference);
        return { placeholder, text: filtered(resolved, reference), isCredential: resolved.isCredential };
      } catch (error) {
        problems.push(problemOf(template, placeholder, error));
        return undefined;
      }
    }),
  );
  for (const result of settled) {
    if (result === undefined) continue;
    texts.set(result.placeholder, result.text);
    if (result.isCredential) credentials.push(result.text);
  }
  const { writings, unwritten } = planWritings(template, texts);
  if (problems.length + unwritten.length > 0) throw new RenderProblems([...problems, ...unwritten]);
  return { text: write(template, writings), credentials };
}

/** Applies a reference's filters to its value. @throws ValueNotWritable */
export function filtered({ value }: Resolved, { filters }: Reference): string {
  if (!value.isWellFormed()) throw unwritable('has half of a character, which no text file can hold');
  try {
    return filters.reduce((text, filter) => filter.apply(text), value);
  } catch (error) {
    if (error instanceof FilterError) throw unwritable(error.message);
    throw error;
  }
}

function unwritable(reason: string): KeyturnError {
  return new KeyturnError('ValueNotWritable', `The value ${reason}.`, 'Nothing was written.');
}

function problemOf(
  { positionOf }: ParsedTemplate,
  { index, reference }: Placeholder,
  error: unknown,
): RenderProblem {
  if (!isKeyturnError(error)) throw error;
  const shown = reference === undefined ? {} : { reference: reference.shown };
  return { ...positionOf(index), code: error.code, message: error.message, ...shown };
}

/** A way to write the placeholders of one place. */
interface Writing {
  readonly place: ValuePlace;
  readonly placeholders: readonly Placeholder[];
  /** What must be read there; undefined for a number or a boolean without quotes. */
  readonly expected: string | undefined;
  readonly edits: readonly Edit[];
  /** Another way, if this one is read back differently. */
  readonly otherwise: Writing | undefined;
}

/** Plans how to write each place whose values are all known, and collects the problems of the others. */
function planWritings(
  template: ParsedTemplate,
  texts: ReadonlyMap<Placeholder, string>,
): { readonly writings: readonly Writing[]; readonly unwritten: readonly RenderProblem[] } {
  const writings: Writing[] = [];
  const unwritten: RenderProblem[] = [];
  for (const [place, placeholders] of Map.groupBy(
    template.placeholders,
    (placeholder) => placeholder.place,
  )) {
    if (!placeholders.every((placeholder) => texts.has(placeholder))) continue;
    const writing = writePlace(place, placeholders, texts);
    if (!(writing instanceof Unwritable)) writings.push(writing);
    else {
      const problem = unwritable(writing.reason);
      const culprits = placeholders.filter((placeholder) => !fits(place, texts.get(placeholder) ?? ''));
      const named = culprits.length > 0 ? culprits : placeholders;
      unwritten.push(...named.map((placeholder) => problemOf(template, placeholder, problem)));
    }
  }
  return { writings, unwritten };
}

/** Whether a value alone could be written at a place. */
function fits(place: ValuePlace, value: string): boolean {
  const ways = [place.inPlace(value, { before: '', after: '', index: 0 }), place.anew?.(value)];
  return ways.some((way) => typeof way === 'string');
}

function write(template: ParsedTemplate, planned: readonly Writing[]): string {
  let writings = planned;
  for (;;) {
    const text = applyEdits(
      template.text,
      writings.flatMap(({ edits }) => edits),
    );
    const wrong = findMisread(template, text, writings);
    if (wrong.length === 0) return text;
    const next = writings.map((writing) =>
      wrong.includes(writing) ? (writing.otherwise ?? writing) : writing,
    );
    if (next.every((writing, index) => writing === writings[index])) {
      const misread = unwritable('would be read as another value at this place');
      throw new RenderProblems(
        wrong.flatMap(({ placeholders }) =>
          placeholders.map((placeholder) => problemOf(template, placeholder, misread)),
        ),
      );
    }
    writings = next;
  }
}

function writePlace(
  place: ValuePlace,
  placeholders: readonly Placeholder[],
  texts: ReadonlyMap<Placeholder, string>,
): Writing | Unwritable {
  const values = placeholders.map((placeholder) => texts.get(placeholder) ?? '');
  const common = { place, placeholders };
  const [only] = placeholders;
  const isWhole = placeholders.length === 1 && only?.span.start === 0 && only.span.end === place.text.length;
  if (isWhole && place.takesTyped === true && only.reference?.filters.at(-1)?.isTyped === true) {
    const edits = [{ ...place.span, text: values[0] ?? '' }];
    return { ...common, expected: undefined, edits, otherwise: undefined };
  }
  const expected = applyEdits(
    place.text,
    placeholders.map(({ span }, index) => ({ ...span, text: values[index] ?? '' })),
  );
  const inPlace = editsInPlace(place, placeholders, values);
  const text = place.anew?.(expected);
  const anew =
    typeof text === 'string'
      ? { ...common, expected, edits: [{ ...place.span, text }], otherwise: undefined }
      : undefined;
  if (!(inPlace instanceof Unwritable)) return { ...common, expected, edits: inPlace, otherwise: anew };
  return anew ?? (text instanceof Unwritable ? text : inPlace);
}

function editsInPlace(
  place: ValuePlace,
  placeholders: readonly Placeholder[],
  values: readonly string[],
): Edit[] | Unwritable {
  const spans = place.locate(placeholders.map(({ span }) => span));
  if (spans === undefined) return new Unwritable('has a placeholder that is partly written in escapes');
  const edits: Edit[] = [];
  let before = '';
  let at = 0;
  for (const [order, { span }] of placeholders.entries()) {
    before += place.text.slice(at, span.start);
    at = span.end;
    const value = values[order] ?? '';
    const written = place.inPlace(value, { before, after: place.text.slice(at), index: span.start });
    if (written instanceof Unwritable) return written;
    edits.push({ ...(spans[order] ?? place.span), text: written });
    before += value;
  }
  return edits;
}

/** Reads the result again. Each value must be where it was written, and must be read as what it is. */
function findMisread(
  template: ParsedTemplate,
  text: string,
  writings: readonly Writing[],
): readonly Writing[] {
  if (writings.length === 0) return [];
  const byPlace = new Map(writings.map((writing) => [writing.place, writing]));
  const found = placesOrNone(template.format, text);
  let shift = 0;
  let order = 0;
  for (const place of template.places) {
    const writing = byPlace.get(place);
    const growth = (writing?.edits ?? []).reduce(
      (sum, edit) => sum + edit.text.length - (edit.end - edit.start),
      0,
    );
    const expected = writing === undefined ? place.text : writing.expected;
    const start = place.span.start + shift;
    shift += growth;
    if (expected === undefined || expected === '') continue;
    while (found[order]?.text === '') order += 1;
    const read = found[order];
    order += 1;
    const isSame =
      read?.text === expected && read.span.start === start && read.span.end === place.span.end + shift;
    if (!isSame) return writing === undefined ? writings : [writing];
  }
  return found.slice(order).every(({ text: rest }) => rest === '') ? [] : writings;
}

function placesOrNone(format: Format, text: string): readonly ValuePlace[] {
  try {
    return format.scan(text).places;
  } catch (error) {
    if (error instanceof SyntaxProblem) return [];
    throw error;
  }
}
