import type { SecretDocument } from '../documents/document.ts';
import type { SecretFields } from '../documents/fields.ts';
import { fold } from './fold.ts';
import { shortestValue } from './search.ts';
import { isExpectedWord } from './words.ts';

/**
 * What of AWS's secret structure, of connection strings and of OAuth's clients is not secret, in lower case and without
 * separators.
 * Every other value of a secret is treated as sensitive.
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

/** Other fields whose names say that they hold a credential, however short it is. */
const credentialField = /(?:pass|passw(?:or)?d|passphrase|pwd|secret|token|key|credentials?|pin)\d*$/;

/** Below this length (characters) a value of an unknown field is a flag or a word, not a credential. */
export const shortestUnknownSecret = 6;

/** What a value is to its secret. */
export type Role = 'credential' | 'other' | 'whole';

/** A value that must not be shown. */
export interface Sensitive {
  readonly text: string;
  readonly role: Role;
}

const nameOf = (field: string): string => field.toLowerCase().replace(/[\s_.-]/g, '');

/** An object that is a credential, such as a JWK, has members that are none. */
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

/** What a URL that is not secret by itself may hold: a registration's can have its token in the query. */
function* credentialsIn(url: string): Generator<Sensitive> {
  if (!url.includes('://') || !URL.canParse(url)) return;
  const { password, searchParams } = new URL(url);
  for (const text of [password, ...searchParams.values()])
    if (!isCommon(text)) yield { text, role: 'credential' };
}

/** What a secret holds that is not secret; user and host also as they stand in a URL, which may be secret as a whole. */
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

/** What of a document must be shown nowhere, also as it stands in the text. */
export function sensitiveValues({
  fields,
  sensitive,
}: Pick<SecretDocument, 'fields' | 'sensitive'>): string[] {
  return [...[...sensitiveIn(fields)].map(({ text }) => text), ...sensitive];
}

/** Longer ones are passwords of letters, but for those that are expected. */
const word = String.raw`(?:\p{Lu}?\p{Ll}{1,10}|\p{Lu}{1,11})`;
const words = new RegExp(`^${word}(?: ${word}){0,2}$`, 'u');
/** Names of operations and of variables. */
const names = /^(?=.{1,32}$)(?:\p{Ll}*(?:\p{Lu}\p{Ll}{2,}){1,4}|\p{Lu}{2,}(?:_\p{Lu}{2,}){1,4})$/u;

/** Whether a value is so short, or so common, that it stands in texts by chance. */
export function isCommon(value: string): boolean {
  const folded = fold(value).text;
  if (folded.length < shortestValue || new Set(folded).size < 4) return true;
  const inner = value.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  if (words.test(inner) || names.test(inner) || isExpectedWord(folded)) return true;
  return /^[\d.,:/ -]+$/.test(inner) && inner.replace(/\D/g, '').length <= 12;
}
