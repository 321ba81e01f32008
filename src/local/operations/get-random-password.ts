import { randomInt } from 'node:crypto';
import { invalidParameter } from '../errors.ts';
import { integer, type Structure, structure, text } from '../protocol/shapes.ts';
import * as members from './members.ts';
import { defineOperation } from './operation.ts';

const DEFAULT_LENGTH = 32;
const LOWERCASE = 'abcdefghijklmnopqrstuvwxyz';
const NUMBERS = '0123456789';
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

const requestMembers = {
  PasswordLength: integer({ min: 1, max: 4096 }),
  ExcludeCharacters: text({ max: 4096 }),
  ExcludeNumbers: members.boolean,
  ExcludePunctuation: members.boolean,
  ExcludeUppercase: members.boolean,
  ExcludeLowercase: members.boolean,
  IncludeSpace: members.boolean,
  RequireEachIncludedType: members.boolean,
};
type PasswordRequest = Structure<typeof requestMembers>;

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html */
export const getRandomPassword = defineOperation(
  'GetRandomPassword',
  structure(requestMembers),
  (_context, request) => {
    const length = request.PasswordLength ?? DEFAULT_LENGTH;
    const types = includedTypes(request);
    if (types.length === 0)
      throw invalidParameter('There are no characters left to make a password of: exclude fewer.');
    const required = request.RequireEachIncludedType === false ? [] : types;
    if (required.length > length) {
      throw invalidParameter(
        `The password length must be at least ${required.length} to include each type of character.`,
      );
    }
    const alphabet = types.join('');
    const rest = Array.from({ length: length - required.length }, () => randomCharacter(alphabet));
    return { RandomPassword: shuffled([...required.map(randomCharacter), ...rest]).join('') };
  },
);

/** The types of characters that are asked for, each without those that are excluded one by one. */
function includedTypes(request: PasswordRequest): string[] {
  const excluded = new Set(request.ExcludeCharacters ?? '');
  const types = [
    request.ExcludeLowercase ? '' : LOWERCASE,
    request.ExcludeUppercase ? '' : LOWERCASE.toUpperCase(),
    request.ExcludeNumbers ? '' : NUMBERS,
    request.ExcludePunctuation ? '' : PUNCTUATION,
    request.IncludeSpace ? ' ' : '',
  ];
  return types
    .map((type) => [...type].filter((c) => !excluded.has(c)).join(''))
    .filter((type) => type !== '');
}

function randomCharacter(alphabet: string): string {
  return alphabet.charAt(randomInt(alphabet.length));
}

/** Fisher-Yates, so that the required characters may be anywhere. */
function shuffled(characters: readonly string[]): string[] {
  const result = [...characters];
  for (let end = result.length - 1; end > 0; end--) {
    const pick = randomInt(end + 1);
    [result[end], result[pick]] = [String(result[pick]), String(result[end])];
  }
  return result;
}
