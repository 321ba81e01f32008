/**
 * A text in the form in which texts are compared: without the characters that quoting, wrapping and trimming change, and
 * in one case. `from` and `to` give each character's range in the text.
 */
export interface Folded {
  readonly text: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * Left out: white space, which wraps and trims; quotes, backslashes and backticks, which escape and enclose; and the
 * plus, which is a space in a form and joins the pieces of a long string.
 */
const leftOut = /[\0-\x20\x7f'"`\\+]/;

const foldedAscii: readonly string[] = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return leftOut.test(character) ? '' : character.toLowerCase();
});

const foldedOthers = new Map<string, string>();
const mostRemembered = 4096;

/** Folds compatible forms (NFKC, SASLprep), accents and capitals, and leaves out invisible characters. */
function foldOther(character: string): string {
  const known = foldedOthers.get(character);
  if (known !== undefined) return known;
  const plain = character.normalize('NFKD').replace(/[\p{M}\p{Cf}\p{Z}]/gu, '');
  const folded = [...plain.toUpperCase().toLowerCase()]
    .map((one) => foldedAscii[one.codePointAt(0) ?? 0] ?? one)
    .join('');
  if (foldedOthers.size < mostRemembered) foldedOthers.set(character, folded);
  return folded;
}

const isWordCharacter = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 97 && code <= 122) || code > 127;

/** Folds a text. Repeated punctuation counts once, since quoting doubles some of it. */
export function fold(text: string): Folded {
  const from: number[] = [];
  const to: number[] = [];
  let folded = '';
  let last = -1;
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0;
    const end = at + (code > 0xffff ? 2 : 1);
    const character = code < 128 ? (foldedAscii[code] ?? '') : foldOther(text.slice(at, end));
    if (character.length === 1 && character.charCodeAt(0) === last && !isWordCharacter(last)) {
      to[to.length - 1] = end;
    } else if (character !== '') {
      folded += character;
      for (let unit = 0; unit < character.length; unit += 1) {
        from.push(at);
        to.push(end);
      }
      last = character.charCodeAt(character.length - 1);
    }
    at = end;
  }
  return { text: folded, from, to };
}
