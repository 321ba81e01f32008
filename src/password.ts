import { randomInt } from 'node:crypto';
import { KeyturnError } from './errors.ts';

/**
 * How passwords are made. Meaning and defaults are those of AWS's rotation templates.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
 */
export interface PasswordPolicy {
  /** In characters. */
  readonly length: number;
  /** Characters that must not occur. */
  readonly excludeCharacters: string;
  /** No digits. */
  readonly excludeNumbers: boolean;
  /** None of the ASCII punctuation: !"#$%&'()*+,-./:;<=>?@[\]^_`{|}~ */
  readonly excludePunctuation: boolean;
  /** No capital letters. */
  readonly excludeUppercase: boolean;
  /** No small letters. */
  readonly excludeLowercase: boolean;
  /** At least one character of each class that is not excluded. */
  readonly requireEachIncludedType: boolean;
}

/** The policy unless configuration or rotator says otherwise. */
export const defaultPasswordPolicy: PasswordPolicy = {
  length: 32,
  excludeCharacters: '/@"\'\\',
  excludeNumbers: false,
  excludePunctuation: false,
  excludeUppercase: false,
  excludeLowercase: false,
  requireEachIncludedType: true,
};

const lowercase = 'abcdefghijklmnopqrstuvwxyz';
const uppercase = lowercase.toUpperCase();
const numbers = '0123456789';
const punctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/** The characters of each class, without the avoided ones. A class that has only avoided ones keeps them. */
function characterClasses(policy: PasswordPolicy, avoided: string): string[] {
  const classes = [
    policy.excludeLowercase ? '' : lowercase,
    policy.excludeUppercase ? '' : uppercase,
    policy.excludeNumbers ? '' : numbers,
    policy.excludePunctuation ? '' : punctuation,
  ];
  const without = (all: string, characters: string): string =>
    [...all].filter((character) => !characters.includes(character)).join('');
  return classes
    .map((all) => without(all, policy.excludeCharacters))
    .filter((all) => all !== '')
    .map((all) => without(all, avoided) || all);
}

/** The length at which passwords without the avoided characters are as hard to guess as those of the policy with them. */
export function lengthWithout(policy: PasswordPolicy, avoided: string): number {
  const size = (characters: string): number => characterClasses(policy, characters).join('').length;
  const [all, left] = [size(''), size(avoided)];
  return left < 2 || all === left
    ? policy.length
    : Math.ceil((policy.length * Math.log(all)) / Math.log(left));
}

function pick(characters: string): string {
  return characters.charAt(randomInt(characters.length));
}

function shuffle(characters: string[]): string {
  const rest = [...characters];
  let out = '';
  while (rest.length > 0) out += rest.splice(randomInt(rest.length), 1).join('');
  return out;
}

/**
 * Makes a password with the system's CSPRNG: `crypto.randomInt`, which has no modulo bias.
 *
 * @param avoided characters that it does without, unless the policy leaves nothing else of their class
 * @throws PasswordImpossible when the policy leaves no character, or fewer places than classes it requires
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
 */
export function generatePassword(policy: PasswordPolicy, avoided = ''): string {
  const classes = characterClasses(policy, avoided);
  const required = policy.requireEachIncludedType ? classes : [];
  if (classes.length === 0 || policy.length < Math.max(1, required.length)) {
    throw new KeyturnError(
      'PasswordImpossible',
      'The password policy of the function leaves no password to make.',
      'Exclude fewer characters (EXCLUDE_*), or raise PASSWORD_LENGTH.',
    );
  }
  const all = classes.join('');
  const chosen = required.map(pick);
  while (chosen.length < policy.length) chosen.push(pick(all));
  return shuffle(chosen);
}
