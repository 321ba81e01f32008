import { readFileSync } from 'node:fs';
import type { ApiTokensOptions } from '../rotators/api-token/index.ts';
import { createRotators, type RotatorsOptions } from '../rotators/index.ts';
import type { TokenOptions } from '../rotators/oauth/index.ts';
import {
  type Configuration,
  type Environment,
  readConfiguration,
  readEndpoint,
  strictFlag,
  text,
} from './configuration.ts';
import { KeyturnError } from './errors.ts';
import { createRotationHandler, type RotationHandler } from './handler.ts';
import { defaultPasswordPolicy, generatePassword } from './password.ts';
import { createLambdaHandler } from './powertools.ts';
import { requireDefaultRotator } from './rotation/select.ts';
import type { Revocation, Rotator } from './rotator/contract.ts';

/** Reads the file of the bundle that a variable names. @throws InvalidConfiguration */
function readFile(environment: Environment, variable: string, kind: string): string | undefined {
  const file = text(environment, variable);
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const remedy = `Name a ${kind} file of the bundle.`;
    throw new KeyturnError('InvalidConfiguration', `${variable} can not be read.`, remedy, {
      field: variable,
      cause,
    });
  }
}

/** The HTTP proxy. As with curl, the variables may be in small letters. */
function readProxy(environment: Environment): TokenOptions['proxy'] {
  const variable = (name: string): string | undefined =>
    text(environment, name) ?? text(environment, name.toLowerCase());
  return { https: variable('HTTPS_PROXY'), http: variable('HTTP_PROXY'), except: variable('NO_PROXY') };
}

/** Reads the descriptions of further APIs. @throws InvalidConfiguration */
function readDescriptions(environment: Environment): ApiTokensOptions['descriptions'] {
  const source = 'KEYTURN_API_TOKENS_FILE';
  const descriptions = readFile(environment, source, 'JSON');
  return descriptions === undefined ? undefined : { text: descriptions, source };
}

/** When credentials that were replaced and go on working are revoked. @throws InvalidConfiguration */
function readRevocation(environment: Environment): Revocation {
  const revocation = text(environment, 'KEYTURN_REVOCATION') ?? 'on-next-rotation';
  if (revocation === 'on-next-rotation' || revocation === 'at-once') return revocation;
  const [, hours] = /^([1-9]\d{0,3})h$/.exec(revocation) ?? [];
  if (hours !== undefined) return { afterHours: Number(hours) };
  throw new KeyturnError(
    'InvalidConfiguration',
    'KEYTURN_REVOCATION has an unknown value.',
    'Set it to on-next-rotation, at-once, or hours such as 24h.',
    { field: 'KEYTURN_REVOCATION' },
  );
}

/** The variables of AWS's template for users of ElastiCache, in its units. @throws InvalidConfiguration */
function readTemplateVariables(environment: Environment) {
  const seconds = (name: string): number | undefined => {
    const written = text(environment, name);
    if (written === undefined) return undefined;
    if (/^\d{1,4}$/.test(written)) return Number(written) * 1_000;
    throw new KeyturnError(
      'InvalidConfiguration',
      `${name} is no whole number of seconds up to 9999.`,
      'Correct it, or leave it out.',
      { field: name },
    );
  };
  return {
    userName: text(environment, 'USER_NAME'),
    maxWaitingMs: seconds('MAX_WAITING_TIME_FOR_ACTIVE_IN_SECONDS'),
    waitingIntervalMs: seconds('WAITING_RETRY_INTERVAL_IN_SECONDS'),
  };
}

/** The longest user name, in characters, by the variable of AWS's templates for MySQL. @throws InvalidConfiguration */
function readUsernameLimit(environment: Environment): { usernameCharacterLimit?: number } {
  const limit = text(environment, 'USERNAME_CHARACTER_LIMIT');
  if (limit === undefined) return {};
  if (/^([1-9]|[1-7]\d|80)$/.test(limit)) return { usernameCharacterLimit: Number(limit) };
  throw new KeyturnError(
    'InvalidConfiguration',
    'USERNAME_CHARACTER_LIMIT is no number of characters.',
    'Set it to a whole number from 1 to 80.',
    { field: 'USERNAME_CHARACTER_LIMIT' },
  );
}

/** How the function's rotators reach their targets, by its variables. @throws InvalidConfiguration */
function readRotatorsOptions(environment: Environment): RotatorsOptions {
  const ca = readFile(environment, 'KEYTURN_CA_FILE', 'PEM');
  const postgres = {
    ca: () => ca,
    allowPlaintext: strictFlag(environment, 'KEYTURN_ALLOW_PLAINTEXT') ?? false,
  };
  const revocation = readRevocation(environment);
  const managedUsers = { ...postgres, revocation, ...readTemplateVariables(environment) };
  const oauth = { ca: () => ca, proxy: readProxy(environment), revocation };
  return {
    postgres,
    redis: { ...postgres, revocation },
    elastiCache: managedUsers,
    memoryDb: managedUsers,
    sqlServer: {
      ...postgres,
      trustServerCertificate: strictFlag(environment, 'KEYTURN_TRUST_SERVER_CERTIFICATE') ?? false,
    },
    mysql: {
      ...postgres,
      ...readUsernameLimit(environment),
      revocation,
    },
    oauth,
    apiTokens: { ...oauth, descriptions: readDescriptions(environment) },
  };
}

/**
 * Checks the whole configuration at the first invocation, so that a preflight finds what would fail a later rotation.
 * @throws InvalidConfiguration, PasswordImpossible
 */
function requireUsable({ password, defaultRotator }: Configuration, rotators: readonly Rotator[]): void {
  readEndpoint(process.env);
  generatePassword({ ...defaultPasswordPolicy, ...password });
  if (defaultRotator !== undefined) requireDefaultRotator(rotators, defaultRotator);
}

/**
 * With AWS's template for ElastiCache, each secret has a function of its own, whose variables name the secret. The handler
 * then throws InvalidEvent for another secret.
 */
function servingOne(environment: Environment, rotate: RotationHandler): RotationHandler {
  const [secret, user] = [text(environment, 'SECRET_ARN'), text(environment, 'USER_NAME')];
  if (secret === undefined || user === undefined) return rotate;
  return async (event, context) => {
    if (Object(event).SecretId === secret) return rotate(event, context);
    throw new KeyturnError(
      'InvalidEvent',
      'The function serves the one secret that its variable SECRET_ARN names, and was called for another.',
      'Attach a function of its own to the other secret, or take SECRET_ARN and USER_NAME away.',
    );
  };
}

/** The deployed function, which reads all of the process's environment. */
export const handler = createLambdaHandler(process.env, (telemetry) => {
  const configuration = readConfiguration(process.env);
  const rotators = createRotators(readRotatorsOptions(process.env));
  requireUsable(configuration, rotators);
  return servingOne(process.env, createRotationHandler({ rotators, configuration, telemetry }));
});
