import type { SecretDocument } from '../documents/document.ts';
import type { SecretFields } from '../documents/fields.ts';
import { fold } from './fold.ts';
import { shortestValue } from './search.ts';
import { isExpectedWord } from './words.ts';

/**
 * The fields of AWS's secret structure, connection strings and OAuth clients that are not secret: in lower case, without
 * separators. Every other value of a secret is sensitive.
 */
const harmlessFields = new Set([
  'engine',
  'host',
  'port',
  'username',
  'dbname',
  'ssl',
  'masterarn',
  'dbinstanceidentifier',
  'dbclusteridentifier',
  'alternatingusers',
  'sslservername',
  'applicationintent',
  'applicationname',
  'authentication',
  'authsource',
  'clientid',
  'columnencryptionsetting',
  'currentschema',
  'driver',
  'encrypt',
  'expiresat',
  'failoverpartner',
  'hostnameincertificate',
  'hosts',
  'introspectionendpoint',
  'issuer',
  'mastername',
  'multisubnetfailover',
  'registrationclienturi',
  'replicaset',
  'revocationendpoint',
  'scope',
  'sentinelusername',
  'servercertificate',
  'serves',
  'sslmode',
  'sslrootcert',
  'targetsessionattrs',
  'tokenendpoint',
  'tokenendpointauthmethod',
  'trustservercertificate',
  'userarn',
]);

/** Names of fields that hold a credential, however short it is. */
const credentialField = /(?:pass|passw(?:or)?d|passphrase|pwd|secret|token|key|credentials?|pin)\d*$/;

/** A shorter value (in characters) of an unknown field is a flag or a word, not a credential. */
export const shortestUnknownSecret = 6;

/** A value's role in its secret; `whole` is the secret's string. */
export type Role = 'credential' | 'other' | 'whole';

/** A value that must not be shown. */
export interface Sensitive {
  readonly text: string;
  readonly role: Role;
}

const nameOf = (field: string): string => field.toLowerCase().replace(/[\s_.-]/g, '');

/** In an object, each member's own name decides: a JWK has members that are no credential. */
function* textsIn(value: unknown, isCredential: boolean): Generator<Sensitive> {
  if (typeof value === 'string' || typeof value === 'number') {
    const text = String(value);
    const shortest = isCredential ? 1 : shortestUnknownSecret;
    if (text.length >= shortest) yield { text, role: isCredential ? 'credential' : 'other' };
  } else if (Array.isArray(value)) {
    for (const part of value) yield* textsIn(part, isCredential);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value))
      yield* textsIn(part, credentialField.test(nameOf(name)));
  }
}

/** The sensitive values of a secret. */
export function* sensitiveIn(fields: SecretFields): Generator<Sensitive> {
  for (const [field, part] of Object.entries(fields)) {
    const name = nameOf(field);
    if (!harmlessFields.has(name)) yield* textsIn(part, credentialField.test(name));
    else for (const text of textsWithin(part)) yield* credentialsIn(text);
  }
}

/** The credentials in a URL that is not secret as a whole: a client registration's URL can have a token in its query. */
function* credentialsIn(url: string): Generator<Sensitive> {
  if (!url.includes('://') || !URL.canParse(url)) return;
  const { password, searchParams } = new URL(url);
  for (const text of [password, ...searchParams.values()])
    if (!isCommon(text)) yield { text, role: 'credential' };
}

/** The values of a secret that are not secret, and `user@host` as in a URL, which may be secret as a whole. */
export function harmlessIn(fields: SecretFields): string[] {
  const texts = Object.entries(fields)
    .filter(([field]) => harmlessFields.has(nameOf(field)))
    .flatMap(([, value]) => [...textsWithin(value)]);
  const { username, host } = fields;
  return typeof username === 'string' && typeof host === 'string' ? [...texts, `${username}@${host}`] : texts;
}

function* textsWithin(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) yield* textsWithin(part);
}

/** The sensitive values of a document, parsed and as written in its text. */
export function sensitiveValues({
  fields,
  sensitive,
}: Pick<SecretDocument, 'fields' | 'sensitive'>): string[] {
  return [...[...sensitiveIn(fields)].map(({ text }) => text), ...sensitive];
}

/** Longer words count as passwords, unless they are expected ones. */
const word = String.raw`(?:\p{Lu}?\p{Ll}{1,10}|\p{Lu}{1,11})`;
const words = new RegExp(`^${word}(?: ${word}){0,2}$`, 'u');
/** Names of operations and of variables. */
const names = /^(?=.{1,32}$)(?:\p{Ll}*(?:\p{Lu}\p{Ll}{2,}){1,4}|\p{Lu}{2,}(?:_\p{Lu}{2,}){1,4})$/u;

/** Whether a value is so short, or so common, that it occurs in texts by chance. */
export function isCommon(value: string): boolean {
  const folded = fold(value).text;
  if (folded.length < shortestValue || new Set(folded).size < 4) return true;
  const inner = value.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  if (words.test(inner) || names.test(inner) || isExpectedWord(folded)) return true;
  return /^[\d.,:/ -]+$/.test(inner) && inner.replace(/\D/g, '').length <= 12;
}
