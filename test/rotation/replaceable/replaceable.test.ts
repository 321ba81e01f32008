import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomRotators } from '../../../rotators/random/index.ts';
import { readDocument } from '../../../src/documents/document.ts';
import { defaultPasswordPolicy, generatePassword, type PasswordPolicy } from '../../../src/password.ts';
import { requireReplaceable, whatWouldBeLost } from '../../../src/rotation/replaceable.ts';
import { kindOfWritten } from '../../../src/rotation/written-text.ts';
import type { Rotator } from '../../../src/rotator/index.ts';
import { singleValues, tokenForms } from './token-forms.ts';
import { connectionStrings, otherWritten, type Values } from './written-values.ts';

const [random] = randomRotators();
if (random?.kind !== 'changes') throw new Error('random/string has another kind.');
const { opensNothing, empty, ...opening } = random;
/** A rotator whose credential opens something. */
const ofServer: Rotator = { ...opening, name: 'of-server' };

const inJson = (value: string) => readDocument(JSON.stringify({ password: value }));
const asText = (value: string) => readDocument(value, { form: 'text' });
const noTags: ReadonlyMap<string, string> = new Map();
const all = (values: Values) =>
  Object.entries(values).flatMap(([kind, list]) => list.map((one) => [kind, one] as const));

/** The same in every run, and in the message of a failure. */
const seed = 20_261_126;

describe('what somebody has written', () => {
  it('is in the tables at least 300 times', () => {
    expect(all(connectionStrings).length + all(otherWritten).length).toBeGreaterThan(300);
  });

  it.each(all(connectionStrings))('is never replaced: %s: %s', async (_kind, value) => {
    expect(await whatWouldBeLost(random, inJson(value), noTags)).toBeDefined();
    expect(await whatWouldBeLost(random, asText(value), noTags)).toBeDefined();
    expect(await whatWouldBeLost(ofServer, asText(value), noTags)).toBeDefined();
  });

  it.each(all(otherWritten))('is not replaced by a random value: %s: %s', async (_kind, value) => {
    expect(await whatWouldBeLost(random, inJson(value), noTags)).toBeDefined();
    expect(await whatWouldBeLost(random, asText(value), noTags)).toBeDefined();
  });

  const wide = (text: string) =>
    text.replace(/[=:;@/]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0));
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const asBytes = 'UTF-16 that was read as bytes';
  const wrappers: Record<string, (text: string) => string> = {
    'a byte order mark before it': (text) => `\ufeff${text}`,
    'a byte order mark in the wrong code page before it': (text) => `\u00ef\u00bb\u00bf${text}`,
    'blank lines before it': (text) => `\r\n\n  ${text}`,
    'a line break after it': (text) => `${text}\r\n`,
    'double quotes': (text) => `"${text}"`,
    'single quotes': (text) => `'${text}'`,
    'curly quotes': (text) => `\u201c${text}\u201d`,
    'a string of JSON': (text) => JSON.stringify(text),
    'wide characters': wide,
    'codes of a URL': encodeURIComponent,
    'entities of HTML': (text) =>
      text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;'),
    Base64: base64,
    'Base64 of a URL': (text) => Buffer.from(text).toString('base64url'),
    'Base64 in lines': (text) => base64(text).replace(/.{76}(?=.)/g, '$&\n'),
    'Base64 of UTF-16': (text) => Buffer.from(text, 'utf16le').toString('base64'),
    hexadecimals: (text) => Buffer.from(text).toString('hex'),
    'gzip in Base64': (text) => gzipSync(text).toString('base64'),
  };
  const inOthers = Object.keys(wrappers);
  wrappers[asBytes] = (text) => Buffer.from(text, 'utf16le').toString('latin1');
  const wrapped = (text: string, names: readonly string[]) =>
    names.reduce((inner, name) => wrappers[name]?.(inner) ?? inner, text);

  it.each(Object.keys(wrappers))('is found in %s', (name) => {
    const lost = (value: string, by: 'chance' | 'server') =>
      kindOfWritten(wrapped(value, [name]), by) === undefined;
    expect(all(connectionStrings).filter(([, value]) => lost(value, 'chance'))).toEqual([]);
    expect(all(otherWritten).filter(([, value]) => lost(value, 'chance'))).toEqual([]);
  });

  it('is found in one such thing within another', () => {
    const value = fc.constantFrom(
      ...[...all(connectionStrings), ...all(otherWritten)].map(([, text]) => text),
    );
    fc.assert(
      fc.property(
        value,
        fc.constantFrom(...inOthers),
        fc.constantFrom(...inOthers, asBytes),
        (text, inner, outer) => {
          expect(kindOfWritten(wrapped(text, [inner, outer]), 'chance')).toBeDefined();
        },
      ),
      { seed, numRuns: 3_000 },
    );
  });
});

describe('what may be a password, a token or a random value', () => {
  it.each(singleValues.map((value) => [value]))('is replaced: %j', (value) => {
    expect(kindOfWritten(value, 'chance')).toBeUndefined();
    expect(kindOfWritten(value, 'server')).toBeUndefined();
  });

  it.each(Object.entries(tokenForms))('is replaced: %s', (_name, form) => {
    fc.assert(
      fc.property(fc.stringMatching(form), (value) => {
        expect(kindOfWritten(value, 'chance')).toBeUndefined();
        expect(kindOfWritten(value, 'server')).toBeUndefined();
      }),
      { seed, numRuns: 100 },
    );
  });

  it.each(all(otherWritten).filter(([kind]) => kind === 'a JSON Web Token' || kind === 'a signed query'))(
    'is replaced if a server may have issued it: %s',
    async (_kind, value) => {
      expect(await whatWouldBeLost(ofServer, asText(value), noTags)).toBeUndefined();
    },
  );

  const policies: readonly Partial<PasswordPolicy>[] = [
    {},
    { excludeCharacters: '' },
    { length: 8 },
    { length: 8, excludeCharacters: '', requireEachIncludedType: false },
    { length: 128 },
    { excludePunctuation: true },
    { excludeNumbers: true },
    { excludeLowercase: true },
    { excludeUppercase: true },
    { excludeCharacters: '!"#$%&\'()*+,-./<>?@[\\]^`{|}~' },
    { excludeLowercase: true, excludeUppercase: true, excludeNumbers: true },
  ];
  const made: readonly (readonly [string, number, () => string])[] = [
    ...policies.map(
      (policy, index) =>
        [
          `random/string with ${JSON.stringify(policy)}`,
          index < 2 ? 10_000 : 2_000,
          () => generatePassword({ ...defaultPasswordPolicy, ...policy }),
        ] as const,
    ),
    [
      'random/string of 4096 characters',
      50,
      () => generatePassword({ ...defaultPasswordPolicy, length: 4096, excludeCharacters: '' }),
    ],
    ...(['base64', 'base64url', 'hex'] as const).flatMap((encoding) => [
      [`random/${encoding}`, 10_000, () => randomBytes(32).toString(encoding)] as const,
      [`random/${encoding} of 16 bytes`, 2_000, () => randomBytes(16).toString(encoding)] as const,
      [`random/${encoding} of 4096 bytes`, 50, () => randomBytes(4096).toString(encoding)] as const,
    ]),
  ];

  // Chance makes anything: with some 0.8 in 10,000 at most, twelve never come. Then the rotation makes another one.
  it.each(made)('is replaced if it was made by %s', (_name, count, make) => {
    const refused = Array.from({ length: count }, make).filter((value) => kindOfWritten(value, 'chance'));
    expect(refused.length).toBeLessThan(12);
  });
});

describe('the way around', () => {
  const value = 'Server=db;User Id=app;Password=Old-passw0rd';
  const check = (tags: Readonly<Record<string, string>>) =>
    requireReplaceable(random, inJson(value), new Map(Object.entries(tags)));

  it('is the tag with the name of a form, which the error names', async () => {
    await expect(check({})).rejects.toThrow(/reads as a connection string.*keyturn:form/s);
    await expect(check({ 'keyturn:form': 'json' })).resolves.toBeUndefined();
    await expect(check({ 'keyturn:form': ' JSON ' })).resolves.toBeUndefined();
  });

  it.each(['', '  '])('is not an empty tag: %j', async (form) => {
    await expect(check({ 'keyturn:form': form })).rejects.toThrow(/reads as a connection string/);
  });

  it.each(['yes', 'true', 'jsonn', 'any'])(
    'is not a tag with a typing mistake, which is an error: %s',
    async (form) => {
      await expect(check({ 'keyturn:form': form })).rejects.toThrow(/names no form of a secret/);
    },
  );

  it.each(['keyturn:from', 'Keyturn:Form', 'keyturn:form '])(
    'is not a tag of another name: %s',
    async (tag) => {
      await expect(check({ [tag]: 'json' })).rejects.toThrow(/reads as a connection string/);
    },
  );
});
