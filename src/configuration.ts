import { type DocumentHints, parseFieldNames, parseFormName } from './documents/hints.ts';
import { KeyturnError } from './errors.ts';
import { filesVariable } from './exec/files-variable.ts';
import type { PasswordPolicy } from './password.ts';

/** A rotation function's settings. Secrets may have their own. */
export interface Configuration extends Pick<DocumentHints, 'form' | 'fieldNames'> {
  /** Wins over the rotator's wishes, which win over AWS's defaults. */
  readonly password: Partial<PasswordPolicy>;
  /** The rotator's name for secrets that name none by tag or engine. */
  readonly defaultRotator: string | undefined;
  /** Whether setSecret moves AWSCURRENT right after a change that ends the old credential. */
  readonly immediateCutover: boolean;
  /** ARN of the admin secret for secrets that name none in `masterarn`. */
  readonly adminSecretArn: string | undefined;
}

/** The settings if nothing is configured. */
export const defaultConfiguration: Configuration = {
  password: {},
  defaultRotator: undefined,
  immediateCutover: true,
  adminSecretArn: undefined,
};

/** The variables of a process. Only the caller reads them from it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a boolean variable as AWS's templates do: true, 1, y and yes, in any case, are true; everything else is false. */
export function flag(environment: Environment, name: string): boolean | undefined {
  const value = environment[name];
  return value === undefined || value === '' ? undefined : /^(true|1|y|yes)$/i.test(value);
}

/**
 * Reads one of Keyturn's own boolean variables. Unlike {@link flag}, it refuses other texts.
 * @throws InvalidConfiguration
 */
export function strictFlag(environment: Environment, name: string): boolean | undefined {
  const value = text(environment, name);
  if (value === undefined || /^(?:true|1|y|yes|false|0|n|no)$/i.test(value)) return flag(environment, name);
  throw new KeyturnError(
    'InvalidConfiguration',
    `${name} is neither true nor false.`,
    'Set it to true or false, or leave it out.',
    { field: name },
  );
}

/**
 * All variables of docs/configuration.md that no other program reads. A name that is nearly one of them is a typing
 * mistake, which would leave a setting at its default.
 */
export const knownVariables: readonly string[] = [
  'SECRETS_MANAGER_ENDPOINT',
  'EXCLUDE_CHARACTERS',
  'PASSWORD_LENGTH',
  'EXCLUDE_NUMBERS',
  'EXCLUDE_PUNCTUATION',
  'EXCLUDE_UPPERCASE',
  'EXCLUDE_LOWERCASE',
  'MAX_WAITING_TIME_FOR_ACTIVE_IN_SECONDS',
  'WAITING_RETRY_INTERVAL_IN_SECONDS',
  'USERNAME_CHARACTER_LIMIT',
  'REQUIRE_EACH_INCLUDED_TYPE',
  'KEYTURN_ROTATOR',
  'KEYTURN_IMMEDIATE_CUTOVER',
  'KEYTURN_ADMIN_SECRET_ARN',
  'KEYTURN_FORM',
  'KEYTURN_FIELDS',
  'KEYTURN_API_TOKENS_FILE',
  'KEYTURN_REVOCATION',
  'KEYTURN_CA_FILE',
  'KEYTURN_ALLOW_PLAINTEXT',
  'KEYTURN_TRACING',
  'KEYTURN_TRUST_SERVER_CERTIFICATE',
];

/** @throws InvalidConfiguration for a variable whose name is nearly that of a known one */
function requireKnownNames(environment: Environment): void {
  for (const name of Object.keys(environment)) {
    // keyturn exec may run the function. The variable of its folder is nearly KEYTURN_FIELDS.
    if (name === filesVariable) continue;
    if (knownVariables.includes(name) || text(environment, name) === undefined) continue;
    const written = name.toUpperCase();
    const meant = knownVariables.find((known) => isMistyped(written, known) || isCutOff(written, known));
    if (meant === undefined) continue;
    throw new KeyturnError(
      'InvalidConfiguration',
      `The function has a variable ${name}, which Keyturn does not read.`,
      `Call it ${meant}, or remove it.`,
      { field: name },
    );
  }
}

/** Whether it is the name without its last words. */
function isCutOff(written: string, known: string): boolean {
  return written.startsWith('KEYTURN_') && known.startsWith(`${written}_`);
}

/**
 * Whether it is the name with one typing mistake: a character more, less or in place of another, or two that are swapped.
 * Names that begin with KEYTURN_ are for Keyturn alone, so these may have two mistakes. Other names may be those of another
 * program.
 */
function isMistyped(written: string, known: string): boolean {
  const most = written.startsWith('KEYTURN_') ? 2 : 1;
  return distance(written, known) <= most || isSwapped(written, known);
}

/** Whether the texts differ in that two characters side by side are swapped. */
function isSwapped(one: string, other: string): boolean {
  const at = [...one].findIndex((character, index) => character !== other[index]);
  const swapped = `${one.slice(0, at)}${one[at + 1]}${one[at]}${one.slice(at + 2)}`;
  return at >= 0 && swapped === other;
}

/** How many characters have to be added, removed or replaced to make one text of the other. More than 2 counts as 3. */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 2) return 3;
  let above = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, character] of [...one].entries()) {
    const here = [row + 1];
    for (let column = 1; column <= other.length; column += 1) {
      const kept = (above[column - 1] ?? 0) + (character === other[column - 1] ? 0 : 1);
      here.push(Math.min(kept, (above[column] ?? 0) + 1, (here[column - 1] ?? 0) + 1));
    }
    above = here;
  }
  return Math.min(above[other.length] ?? 0, 3);
}

/** Reads a variable; undefined if it is unset or empty. */
export function text(environment: Environment, name: string): string | undefined {
  return environment[name] || undefined;
}

function wholeNumber(environment: Environment, name: string): number | undefined {
  const value = text(environment, name);
  if (value === undefined) return undefined;
  if (/^\d{1,4}$/.test(value) && Number(value) > 0) return Number(value);
  throw new KeyturnError(
    'InvalidConfiguration',
    `${name} must be a whole number from 1 to 9999.`,
    'Correct the variable.',
    {
      field: name,
    },
  );
}

function withoutUndefined(
  policy: { [Key in keyof PasswordPolicy]: PasswordPolicy[Key] | undefined },
): Partial<PasswordPolicy> {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
}

/**
 * Reads the variables of AWS's rotation templates, with their meaning, and Keyturn's own.
 *
 * @throws InvalidConfiguration for a variable that can't be read, and for a name that is nearly one of these. The error
 * names the variable
 * @see https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas
 */
export function readConfiguration(environment: Environment): Configuration {
  requireKnownNames(environment);
  return readVariables(environment);
}

/** As {@link readConfiguration}, for a function that may not be one of Keyturn: its other variables may have any name. */
export function readVariables(environment: Environment): Configuration {
  return {
    password: withoutUndefined({
      length: wholeNumber(environment, 'PASSWORD_LENGTH'),
      excludeCharacters: environment.EXCLUDE_CHARACTERS,
      excludeNumbers: flag(environment, 'EXCLUDE_NUMBERS'),
      excludePunctuation: flag(environment, 'EXCLUDE_PUNCTUATION'),
      excludeUppercase: flag(environment, 'EXCLUDE_UPPERCASE'),
      excludeLowercase: flag(environment, 'EXCLUDE_LOWERCASE'),
      requireEachIncludedType: flag(environment, 'REQUIRE_EACH_INCLUDED_TYPE'),
    }),
    defaultRotator: text(environment, 'KEYTURN_ROTATOR'),
    immediateCutover:
      strictFlag(environment, 'KEYTURN_IMMEDIATE_CUTOVER') ?? defaultConfiguration.immediateCutover,
    adminSecretArn: text(environment, 'KEYTURN_ADMIN_SECRET_ARN'),
    form: parseFormName(environment.KEYTURN_FORM, 'KEYTURN_FORM'),
    fieldNames: parseFieldNames(environment.KEYTURN_FIELDS, 'KEYTURN_FIELDS'),
  };
}

/** Reads Secrets Manager's URL; undefined: the SDK's default. @throws InvalidConfiguration */
export function readEndpoint(environment: Environment): string | undefined {
  const endpoint = text(environment, 'SECRETS_MANAGER_ENDPOINT');
  if (endpoint === undefined || (/^https?:/.test(endpoint) && URL.canParse(endpoint))) return endpoint;
  throw new KeyturnError(
    'InvalidConfiguration',
    'SECRETS_MANAGER_ENDPOINT is no URL.',
    'Write it like https://secretsmanager.eu-central-1.amazonaws.com.',
    { field: 'SECRETS_MANAGER_ENDPOINT' },
  );
}
