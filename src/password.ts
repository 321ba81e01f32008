import { randomInt } from 'node:crypto';
import { KeyturnError } from './errors.ts';

/** How passwords are made. Defaults and meaning are those of AWS's rotation templates. */
export interface PasswordPolicy {
  /** Characters. */
  readonly length: number;
  /** Characters that must not occur. */
  readonly excludeCharacters: string;
  readonly excludeNumbers: boolean;
  readonly excludePunctuation: boolean;
  readonly excludeUppercase: boolean;
  readonly excludeLowercase: boolean;
  /** At least one character of each class that is not excluded. */
  readonly requireEachIncludedType: boolean;
}

/** What holds where neither configuration nor rotator says otherwise. */
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

function characterClasses(policy: PasswordPolicy): string[] {
  const classes = [
    policy.excludeLowercase ? '' : lowercase,
    policy.excludeUppercase ? '' : uppercase,
    policy.excludeNumbers ? '' : numbers,
    policy.excludePunctuation ? '' : punctuation,
  ];
  const excluded = new Set(policy.excludeCharacters);
  return classes.map((all) => [...all].filter((c) => !excluded.has(c)).join('')).filter((all) => all !== '');
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
 * Makes a password with the system's CSPRNG; `crypto.randomInt` has no modulo bias.
 *
 * @throws PasswordImpossible when the policy leaves no character, or fewer places than classes it requires
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
 */
export function generatePassword(policy: PasswordPolicy): string {
  const classes = characterClasses(policy);
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
