import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FormName, readDocument } from '../../src/index.ts';
import { anyValue } from './examples.ts';

/** A document: the text before and after the password, and the password as it is written at first. */
interface Kind {
  readonly form: FormName;
  readonly before: fc.Arbitrary<string>;
  readonly after: fc.Arbitrary<string>;
  readonly first: string;
}

// The names of what every object inherits are keywords like any other.
const word = fc.oneof(fc.stringMatching(/^[a-z]{1,6}x$/), fc.constantFrom('constructor', '__proto__'));
const value = fc.oneof(fc.stringMatching(/^[\w.-]{1,8}$/), fc.constantFrom('"a;b=c"', "'d''e'", '"f""g"'));
const gap = fc.constantFrom('', ' ', '  ');
const pair = fc.tuple(gap, word, gap, value).map(([a, name, b, text]) => `${a}${name}${b}=${b}${text}`);
const setting = fc
  .tuple(word, gap, fc.constantFrom('v', "'a b'", "'\\''", 'a\\ b', 'a;b=c'))
  .map(([name, space, text]) => `${name}${space}=${space}${text}`);
const parameter = fc
  .tuple(word, fc.constantFrom('', '=', '=v', '=%20', '=a+b', '=a=b'))
  .map((parts) => parts.join(''));
const member = fc
  .tuple(gap, fc.json(), gap, fc.json({ noUnicodeString: false }))
  .map(([a, name, b, text]) => `${a}${JSON.stringify(`${name}x`)}${b}:${b}${text}${a}`);

function joined(part: fc.Arbitrary<string>, separator: string): fc.Arbitrary<string> {
  return fc.array(part, { maxLength: 4 }).map((parts) => parts.map((text) => text + separator).join(''));
}

function after(part: fc.Arbitrary<string>, separator: string): fc.Arbitrary<string> {
  return fc.array(part, { maxLength: 4 }).map((parts) => parts.map((text) => separator + text).join(''));
}

const kinds: readonly Kind[] = [
  {
    form: 'ado-net',
    before: joined(pair, ';').map((text) => `SERVER=x;${text}pWd = `),
    after: fc.tuple(after(pair, ' ; '), gap, fc.constantFrom('', ';', ';;')).map((parts) => parts.join('')),
    first: '"x"',
  },
  {
    form: 'libpq',
    before: joined(setting, ' ').map((text) => `host=x  ${text}password = `),
    after: fc.tuple(after(setting, ' '), gap).map((parts) => parts.join('')),
    first: "'x'",
  },
  {
    form: 'url',
    before: fc.constantFrom('PostGres://u:', 'mongodb+srv://a%20b:', 'redis://:'),
    after: fc
      .tuple(joined(parameter, '&'), fc.constantFrom('', '#', '#a@b?c'))
      .map(([query, end]) => `@h.example:1/a%2Fb?${query}${end}`),
    first: 'x',
  },
  {
    form: 'jdbc',
    before: joined(parameter, '&').map((text) => `jdbc:postgresql://h:1/d?${text}user=u&password=`),
    after: after(parameter, '&'),
    first: 'x',
  },
  {
    form: 'json',
    before: joined(member, ',').map((text) => `\n{${text} "password" :\t`),
    after: fc.tuple(after(member, ','), gap).map(([text, end]) => `${text}${end}}${end}`),
    first: '"x"',
  },
  { form: 'text', before: fc.constant(''), after: fc.constantFrom('', '\n', '\r\n'), first: 'x' },
];

describe.each(kinds)('writing $form', ({ form, before, after: behind, first }) => {
  it('leaves what is before and behind the password byte for byte, and reads back what it wrote', () => {
    fc.assert(
      fc.property(before, behind, anyValue, (head, tail, password) => {
        fc.pre(form !== 'text' || !/^$|[\r\n]$/.test(password));
        const document = readDocument(head + first + tail, { form });
        expect(document.fields.password).toBe('x');
        const written = document.write({ password });
        expect(written.startsWith(head)).toBe(true);
        expect(written.slice(head.length).endsWith(tail)).toBe(true);
        const again = readDocument(written, { form });
        expect(again.fields).toEqual({ ...document.fields, password });
      }),
      { numRuns: 300 },
    );
  });
});
