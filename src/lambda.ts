import { readFileSync } from 'node:fs';
import type { ApiTokensOptions } from '../rotators/api-token/index.ts';
import { createRotators, type RotatorsOptions } from '../rotators/index.ts';
import type { TokenOptions } from '../rotators/oauth/index.ts';
import {
  type Configuration,
  type Environment,
  flag,
  readConfiguration,
  readEndpoint,
  text,
} from './configuration.ts';
import { KeyturnError } from './errors.ts';
import { createRotationHandler } from './handler.ts';
import { defaultPasswordPolicy, generatePassword } from './password.ts';
import { createLambdaHandler } from './powertools.ts';
import { selectRotator } from './rotation/select.ts';
import type { Revocation, Rotator } from './rotator/contract.ts';

/** What is in the file of the bundle that a variable names. @throws InvalidConfiguration */
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

/** The way to whatever speaks HTTP. curl and its like know these variables in small letters too. */
function readProxy(environment: Environment): TokenOptions['proxy'] {
  const variable = (name: string): string | undefined =>
    text(environment, name) ?? text(environment, name.toLowerCase());
  return { https: variable('HTTPS_PROXY'), http: variable('HTTP_PROXY'), except: variable('NO_PROXY') };
}

/** What describes more APIs. @throws InvalidConfiguration */
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
    'KEYTURN_REVOCATION says nothing that is known.',
    'Set it to on-next-rotation, at-once, or hours such as 24h.',
    { field: 'KEYTURN_REVOCATION' },
  );
}

/** How the function's rotators reach their targets, by its variables. @throws InvalidConfiguration */
function readRotatorsOptions(environment: Environment): RotatorsOptions {
  const ca = readFile(environment, 'KEYTURN_CA_FILE', 'PEM');
  const postgres = {
    ca: () => ca,
    allowPlaintext: flag(environment, 'KEYTURN_ALLOW_PLAINTEXT') ?? false,
  };
  const revocation = readRevocation(environment);
  const oauth = { ca: () => ca, proxy: readProxy(environment), revocation };
  return {
    postgres,
    redis: { ...postgres, revocation },
    sqlServer: {
      ...postgres,
      trustServerCertificate: flag(environment, 'KEYTURN_TRUST_SERVER_CERTIFICATE') ?? false,
    },
    oauth,
    apiTokens: { ...oauth, descriptions: readDescriptions(environment) },
  };
}

/**
 * What would fail some rotation later is to fail the first invocation, and with it a preflight.
 * @throws InvalidConfiguration, PasswordImpossible, UnknownRotator
 */
function requireUsable({ password, defaultRotator }: Configuration, rotators: readonly Rotator[]): void {
  readEndpoint(process.env);
  generatePassword({ ...defaultPasswordPolicy, ...password });
  if (defaultRotator !== undefined) selectRotator(rotators, { tags: new Map(), fields: {}, defaultRotator });
}

/** The deployed function, which reads all of the process's environment. */
export const handler = createLambdaHandler(process.env, (telemetry) => {
  const configuration = readConfiguration(process.env);
  const rotators = createRotators(readRotatorsOptions(process.env));
  requireUsable(configuration, rotators);
  return createRotationHandler({ rotators, configuration, telemetry });
});
