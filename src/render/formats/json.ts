import { printParseErrorCode, visit } from 'jsonc-parser';
import type { Span } from '../../documents/form.ts';
import { jsonString } from '../filters.ts';
import { byOffsets, type Format, SyntaxProblem, type ValuePlace } from '../format.ts';

/** JSON with comments and trailing commas, as appsettings.json and tsconfig.json are read. */
export const jsonFormat: Format = {
  name: 'json',
  scan: (text) => {
    const places: ValuePlace[] = [];
    const comments: Span[] = [];
    visit(
      text,
      {
        onLiteralValue: (value, start, length) => {
          if (typeof value === 'string')
            places.push(stringPlace(text, value, { start, end: start + length }));
        },
        onComment: (start, length) => {
          comments.push({ start, end: start + length });
        },
        onError: (error, index) => {
          throw new SyntaxProblem(index, describe(error, text, index));
        },
      },
      { allowTrailingComma: true, disallowComments: false },
    );
    return { places, comments };
  },
};

function stringPlace(text: string, value: string, span: Span): ValuePlace {
  return {
    span,
    text: value,
    locate: byOffsets(stringOffsets(text, span)),
    inPlace: (part) => jsonString(part).slice(1, -1),
    takesTyped: true,
  };
}

/** The position of each character of a string, and of its end. */
function stringOffsets(text: string, { start, end }: Span): number[] {
  const offsets: number[] = [];
  for (let at = start + 1; at < end - 1; ) {
    offsets.push(at);
    if (text[at] !== '\\') at += 1;
    else at += text[at + 1] === 'u' ? 6 : 2;
  }
  offsets.push(end - 1);
  return offsets;
}

function describe(error: number, text: string, index: number): string {
  if (text.startsWith('${', index) || text.startsWith('$', index - 1)) {
    return 'a placeholder must stand inside of a string, in double quotes; |number and |boolean remove the quotes';
  }
  const name = printParseErrorCode(error);
  if (name === 'InvalidCharacter') return 'a string has a control character';
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2');
  return `it is not JSON: ${words.toLowerCase()}`;
}
