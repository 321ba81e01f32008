import { expect, it } from 'vitest';
import { defaultPasswordPolicy, generatePassword } from '../../src/password.ts';
import { textsToMask } from '../../src/render/masks.ts';
import { encodings } from '../support/encodings.ts';

/** The forms that a CI system is told of: it masks a text only in the form that it was given. */
const told = [
  'plain',
  'encodeURIComponent',
  'URLSearchParams, as a form sends it',
  'percent escapes in small letters',
  'percent escapes with spaces as +',
  'JSON',
  'JSON of .NET',
  "SQL's literal",
  'shell, single quotes',
  'base64',
  'base64 without padding',
  'base64url',
  'Basic authentication, 1',
  'Basic authentication, 2',
  'Basic authentication, 3',
];

it.each(told)('has a CI system mask a password in this form: %s', (form) => {
  for (let time = 0; time < 200; time += 1) {
    const password = generatePassword({ ...defaultPasswordPolicy, excludeCharacters: '`' });
    const text = encodings[form]?.(password) ?? '';
    expect(textsToMask([password]).some((masked) => text.includes(masked))).toBe(true);
  }
});
