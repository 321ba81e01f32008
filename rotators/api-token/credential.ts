import { contradictoryField, optionalText, type SecretFields, type Target } from '../../src/rotator/index.ts';
import { baseUrlProblem } from '../http/url.ts';
import type { ApiDescription } from './description.ts';
import { requiredPlacesIn } from './template.ts';

/** A token of an API, or an admin of it. */
export interface ApiCredential {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Whose token it is. */
  readonly account: string;
  /** Undefined for an admin who shows himself by something else. */
  readonly token: string | undefined;
  /** What the secret says the token's id is. */
  readonly id: string | undefined;
  /** The field that holds the token. */
  readonly tokenField: string;
  /** Whether the secret is a token in plain text, with room for nothing else. */
  readonly isPlain: boolean;
  readonly fields: SecretFields;
}

/** The fields' names. */
export function fieldNames({ fields = {} }: ApiDescription): {
  readonly token: string;
  readonly id: string;
  readonly expiresAt: string;
} {
  const { token = 'token', id = 'tokenId', expiresAt = 'expiresAt' } = fields;
  return { token, id, expiresAt };
}

/** Reads a secret, or an admin secret. @throws InvalidSecretField */
export function parseCredential(description: ApiDescription, fields: SecretFields): ApiCredential {
  const names = fieldNames(description);
  const { accountField = 'username', name } = description;
  const isPlain = isPlainText(fields);
  const tokenField = isPlain ? 'password' : names.token;
  const token = optionalText(fields, tokenField);
  if (token === undefined && !isAdmin(description, fields))
    throw contradictoryField(tokenField, 'is missing');
  return {
    baseUrl: baseUrlOf(description, fields),
    account: optionalName(fields, accountField) ?? name,
    token,
    id: optionalName(fields, names.id),
    tokenField,
    isPlain,
    fields: { ...fields, [names.token]: token },
  };
}

/** What a document in plain text says: a password, and nothing else but what its tags add. */
function isPlainText(fields: SecretFields): boolean {
  return (
    'password' in fields && Object.keys(fields).every((name) => name === 'password' || name === 'masterarn')
  );
}

/** Whether the secret has all that calls take from the admin secret, which is how an admin without a token looks. */
function isAdmin({ mint, revoke, list, checkAdmin }: ApiDescription, fields: SecretFields): boolean {
  const needed = requiredPlacesIn([mint, revoke, list, checkAdmin]).filter((place) =>
    place.startsWith('admin.'),
  );
  return needed.length > 0 && needed.every((place) => fields[place.slice('admin.'.length)] !== undefined);
}

/** A name or a number; undefined where there is none. */
function optionalName(fields: SecretFields, field: string): string | undefined {
  const value = fields[field];
  return Number.isSafeInteger(value) ? String(value) : optionalText(fields, field);
}

function baseUrlOf({ baseUrl, notAt = {} }: ApiDescription, fields: SecretFields): string {
  const host = optionalText(fields, 'host') ?? baseUrl;
  if (host === undefined) throw contradictoryField('host', 'is missing');
  const url = host.includes('://') ? host : `https://${host}`;
  const problem = baseUrlProblem(url);
  if (problem !== undefined) throw contradictoryField('host', problem);
  // With a dot at its end it is the same host.
  const hostname = new URL(url).hostname.replace(/\.$/, '');
  const [, reason] = Object.entries(notAt).find(([pattern]) => isNamedBy(pattern, hostname)) ?? [];
  if (reason !== undefined)
    throw contradictoryField('host', `must not be ${hostname}: ${reason.replace(/\.$/, '')}`);
  return new URL(url).href.replace(/\/$/, '');
}

/** Whether a host is that of `registry.example`, or below that of `*.example`. */
function isNamedBy(pattern: string, hostname: string): boolean {
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern;
}

/** What a credential opens. */
export function targetOf({ baseUrl, account }: ApiCredential): Target {
  return { host: baseUrl, account };
}
