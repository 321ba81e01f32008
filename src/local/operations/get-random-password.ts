import { randomInt } from 'node:crypto';
import { invalidParameter } from '../errors.ts';
import type { Input } from '../protocol/input.ts';
import { defineOperation } from './operation.ts';

const defaultLength = 32;
const lowercase = 'abcdefghijklmnopqrstuvwxyz';
const numbers = '0123456789';
const punctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html */
export const getRandomPassword = defineOperation('GetRandomPassword', (_context, request) => {
  const length = request.PasswordLength ?? defaultLength;
  const types = includedTypes(request);
  const alphabet =
    types.join('') + (request.IncludeSpace && !request.ExcludeCharacters?.includes(' ') ? ' ' : '');
  if (alphabet === '') {
    throw invalidParameter('There are no characters left to make a password of: exclude fewer.');
  }
  const required = request.RequireEachIncludedType === false ? [] : types;
  if (required.length > length) {
    throw invalidParameter('Password length is too short based on the required types.');
  }
  const rest = Array.from({ length: length - required.length }, () => randomCharacter(alphabet));
  return { RandomPassword: shuffled([...required.map(randomCharacter), ...rest]).join('') };
});

/** The types of characters that are included, each without the excluded characters. */
function includedTypes(request: Input<'GetRandomPassword'>): string[] {
  const excluded = new Set(request.ExcludeCharacters ?? '');
  const types = [
    request.ExcludeLowercase ? '' : lowercase,
    request.ExcludeUppercase ? '' : lowercase.toUpperCase(),
    request.ExcludeNumbers ? '' : numbers,
    request.ExcludePunctuation ? '' : punctuation,
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
