import { Composer, type Decoder, type View } from './view.ts';

/** Makes a decoder that decodes each match of a pattern. An invalid escape stays as it is. */
function escapes(
  pattern: RegExp,
  decode: (groups: readonly (string | undefined)[]) => string | undefined,
): Decoder {
  return (view) => {
    const composer = new Composer(view);
    let at = 0;
    for (const match of view.text.matchAll(pattern)) {
      const decoded = decode(match);
      if (decoded === undefined) continue;
      composer.copy(at, match.index);
      const end = match.index + match[0].length;
      composer.add(decoded, match.index, end);
      at = end;
    }
    if (at === 0) return [];
    composer.copy(at, view.text.length);
    return composer.done();
  };
}

function characterOf(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** URLs and forms; `%u` is from JavaScript's escape(). Bytes are not joined to UTF-8: values are also searched as bytes. */
const percent = escapes(/%(?:u([0-9a-f]{4})|([0-9a-f]{2}))/gi, ([, wide, byte]) =>
  characterOf(Number.parseInt(wide ?? byte ?? '', 16)),
);

const controls: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** JSON, JavaScript (and so Node.js's inspect), Python, SQL's E'', shells. */
const backslash = escapes(
  /\\(?:[uU]\{([0-9a-fA-F]{1,6})\}|U(0[0-9a-fA-F]{7})|[uU]([0-9a-fA-F]{4})|[xX]\{([0-9a-fA-F]{1,6})\}|[xX]([0-9a-fA-F]{2})|([0-7]{1,3})|\r?\n|([\s\S]))/g,
  ([, ...groups]) => {
    const [octal, character] = groups.slice(5);
    const hex = groups.slice(0, 5).find((digits) => digits !== undefined);
    if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
    if (octal !== undefined) return characterOf(Number.parseInt(octal, 8));
    return character === undefined ? '' : (controls[character] ?? character);
  },
);

/** LDAP: RFC 4514 and 4515. */
const backslashHex = escapes(/\\([0-9a-f]{2})/gi, ([, digits = '']) =>
  characterOf(Number.parseInt(digits, 16)),
);

/** HTML's names of ASCII's characters, https://html.spec.whatwg.org/multipage/named-characters.html */
const named = new Map(
  (
    'excl ! quot " num # dollar $ percnt % amp & apos \' lpar ( rpar ) ast * midast * plus + comma , hyphen - dash - ' +
    'period . sol / colon : semi ; lt < equals = gt > quest ? commat @ lsqb [ lbrack [ bsol \\ rsqb ] rbrack ] Hat ^ ' +
    'lowbar _ UnderBar _ grave ` nbsp \u00a0 lcub { lbrace { verbar | vert | rcub } rbrace } szlig ß aelig æ oelig œ eth ð thorn þ'
  )
    .split(' ')
    .flatMap((name, index, all): [string, string][] =>
      index % 2 === 0 ? [[name, all[index + 1] ?? '']] : [],
    ),
);

/** XML and HTML. A letter loses its accent, as in folding. */
const entities = escapes(
  /&(?:#x([0-9a-f]{1,6});?|#(\d{1,7});?|([a-z])(?:grave|acute|circ|tilde|uml|ring|cedil|caron|slash);|([a-z]{2,8});)/gi,
  ([, hex, decimal, letter, name]) => {
    if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
    if (decimal !== undefined) return characterOf(Number(decimal));
    return letter ?? named.get(name ?? '') ?? named.get(name?.toLowerCase() ?? '');
  },
);

/** Wrapped lines, with their indentation. */
const wrapped = escapes(/\r?\n[ \t]*/g, () => '');

/** UTF-16, read as bytes. */
const wide = escapes(/\0+/g, () => '');

/** Stands between matches of different places, so that no value is found across them. */
const gap = '\uffff';
/** Fewer bytes can't hold a value that would be masked. */
const fewestBytes = 6;

/** The digits of a run without their separators, and the position of each. */
interface Run {
  readonly digits: string;
  readonly at: readonly number[];
}

function runsIn(text: string, pattern: RegExp, digit: RegExp): Run[] {
  return [...text.matchAll(pattern)].map(({ index, 0: run }) => {
    const found = [...run.matchAll(digit)];
    return {
      digits: found.map(({ 0: character }) => character).join(''),
      at: found.map((match) => index + match.index),
    };
  });
}

/** Adds the bytes of a run, and a gap. Each digit of the run has `bits` bits. */
function addBytes(composer: Composer, { at }: Run, bytes: Buffer, offset: number, bits: number): void {
  const sourceIndex = (digit: number): number => at[Math.min(offset + digit, at.length - 1)] ?? 0;
  bytes.forEach((byte, index) => {
    const first = Math.floor((index * 8) / bits);
    const last = Math.floor((index * 8 + 7) / bits);
    composer.add(String.fromCharCode(byte), sourceIndex(first), sourceIndex(last) + 1);
  });
  composer.add(gap, sourceIndex(at.length), sourceIndex(at.length) + 1);
}

/** Base64, in either alphabet. A run may be cut off at its start, so all four offsets are decoded. */
function base64(view: View): View[] {
  const runs = runsIn(view.text, /[A-Za-z0-9+/_-]{8,}/g, /\S/g);
  if (runs.length === 0) return [];
  return [0, 1, 2, 3].flatMap((offset) => {
    const composer = new Composer(view);
    for (const run of runs)
      addBytes(composer, run, Buffer.from(run.digits.slice(offset), 'base64'), offset, 6);
    return composer.done();
  });
}

/** Hexadecimal bytes, with or without separators, such as Node.js shows a Buffer. */
function hexadecimal(view: View): View[] {
  const pattern = /[0-9a-f]{2,}(?:[\s,:;.|+-]{1,3}(?:0x)?[0-9a-f]{2,})*/gi;
  const digit = /(?!0x)[0-9a-f]/gi;
  const runs = runsIn(view.text, pattern, digit).filter(({ digits }) => digits.length >= fewestBytes * 2);
  if (runs.length === 0) return [];
  return [0, 1].flatMap((offset) => {
    const composer = new Composer(view);
    for (const run of runs) addBytes(composer, run, Buffer.from(run.digits.slice(offset), 'hex'), offset, 4);
    return composer.done();
  });
}

/** Bytes or characters as a list of numbers, as JSON and inspect show them. A number before a colon is an index. */
function decimal(view: View): View[] {
  const composer = new Composer(view);
  let run: [number, number, number][] = [];
  let last = 0;
  const flush = (): void => {
    if (run.length >= fewestBytes) {
      for (const [code, start, end] of run) composer.add(String.fromCharCode(code), start, end);
      composer.add(gap, last - 1, last);
    }
    run = [];
  };
  for (const { index, 0: digits } of view.text.matchAll(/\d+/g)) {
    const end = index + digits.length;
    const between = view.text.slice(last, index);
    if (between.length > 12 || !/^[\s,;:"'()[\]{}|+-]*$/.test(between)) flush();
    last = end;
    if (/^["']?\s?:/.test(view.text.slice(end, end + 3))) continue;
    // Java shows bytes with a sign.
    const code = between.endsWith('-') ? 256 - Number(digits) : Number(digits);
    if (code < 0 || code > 0xffff) flush();
    else run.push([code, index, end]);
  }
  flush();
  return composer.done();
}

/** All decoders. */
export const decoders: readonly Decoder[] = [
  percent,
  backslash,
  backslashHex,
  entities,
  wrapped,
  wide,
  base64,
  hexadecimal,
  decimal,
];
