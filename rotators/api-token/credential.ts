import { contradictoryField, optionalText, type SecretFields, type Target } from '../../src/rotator/index.ts';
import { parseBaseUrl } from '../http/url.ts';
import type { ApiDescription } from './description.ts';
import { requiredPlaceholdersIn } from './template.ts';

/** A token of an API, or an admin of it. */
export interface ApiCredential {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Whose token it is. */
  readonly account: string;
  /** Undefined for an admin who authenticates with other fields, such as a password. */
  readonly token: string | undefined;
  /** The token's id, as the secret has it. */
  readonly id: string | undefined;
  /** The field that holds the token. */
  readonly tokenField: string;
  /** Whether the secret is only the token, as plain text. */
  readonly isPlain: boolean;
  /** All fields of the secret, for the places `{secret.NAME}` and `{admin.NAME}`. */
  readonly fields: SecretFields;
}

/** The names of the token's fields in the secret, with the defaults. */
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

/** Whether the secret is plain text. Core reads that as the field `password`, and the secret's tags may add `masterarn`. */
function isPlainText(fields: SecretFields): boolean {
  return (
    'password' in fields && Object.keys(fields).every((name) => name === 'password' || name === 'masterarn')
  );
}

/** Whether the fields are those of an admin without a token: they have everything that calls take from the admin secret. */
function isAdmin({ mint, revoke, list, checkAdmin }: ApiDescription, fields: SecretFields): boolean {
  const needed = requiredPlaceholdersIn([mint, revoke, list, checkAdmin]).filter((placeholder) =>
    placeholder.startsWith('admin.'),
  );
  return (
    needed.length > 0 &&
    needed.every((placeholder) => fields[placeholder.slice('admin.'.length)] !== undefined)
  );
}

/** A text, or a whole number as text; undefined if the field is absent. @throws InvalidSecretField */
function optionalName(fields: SecretFields, field: string): string | undefined {
  const value = fields[field];
  return Number.isSafeInteger(value) ? String(value) : optionalText(fields, field);
}

function baseUrlOf({ baseUrl, notAt = {} }: ApiDescription, fields: SecretFields): string {
  const host = optionalText(fields, 'host') ?? baseUrl;
  if (host === undefined) throw contradictoryField('host', 'is missing');
  const url = parseBaseUrl('host', host);
  // A dot at the end means the same host.
  const hostname = new URL(url).hostname.replace(/\.$/, '');
  const [, reason] = Object.entries(notAt).find(([pattern]) => isNamedBy(pattern, hostname)) ?? [];
  if (reason !== undefined)
    throw contradictoryField('host', `must not be ${hostname}: ${reason.replace(/\.$/, '')}`);
  return url;
}

/** `registry.example` names only itself. `*.example` names every host below it. */
function isNamedBy(pattern: string, hostname: string): boolean {
  const named = pattern.toLowerCase();
  return named.startsWith('*.') ? hostname.endsWith(named.slice(1)) : hostname === named;
}

/** When a token expires, in ms since 1970, as the secret says; undefined if it does not, or in another form. */
export function expiryMsOf(description: ApiDescription, { fields }: ApiCredential): number | undefined {
  const written = fields[fieldNames(description).expiresAt];
  const ms = typeof written === 'string' ? Date.parse(written) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** The target of a credential: its API, and whose token it is. */
export function targetOf({ baseUrl, account }: ApiCredential): Target {
  return { host: baseUrl, account };
}
