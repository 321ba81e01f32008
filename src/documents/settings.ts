import { isKeyturnError, KeyturnError } from '../errors.ts';
import {
  type Account,
  accountsOfApplication,
  differentAccounts,
  differs,
  hostOf,
  isSame,
} from './accounts.ts';
import { engineFamily } from './engines.ts';
import type { SecretFields } from './fields.ts';
import {
  type Edit,
  type Embedding,
  listPaths,
  type OtherValue,
  outerEdits,
  outerSlot,
  type ParsedText,
  type Slot,
} from './form.ts';
import type { Leaf } from './leaves.ts';
import { otherLogin } from './other-logins.ts';
import { othersOf } from './other-values.ts';
import { connectionStringForm, parseAs, parseIfPossible } from './recognise.ts';
import { isPlaceholder, type References, referencesTo } from './references.ts';
import {
  isDatabaseWord,
  isFormerAccount,
  isOtherAccount,
  isReplica,
  readName,
  wordsOf,
} from './setting-names.ts';
import { fieldsOf, type Index, indexOf, membersOf, textIn } from './settings-index.ts';
import { definedFields } from './switches.ts';
import { isDatabaseUrl } from './url.ts';

/** The account of a secret, found among its settings. */
export interface Settings {
  /** Fields that were found in connection strings or under the names that frameworks use. */
  readonly fields: SecretFields;
  /** All places of the account's user and password, except the fields `username` and `password` themselves. */
  readonly slots: readonly Slot[];
  /** Writes missing fields into the connection string. Undefined unless the whole credential is in connection strings. */
  readonly append: ((missing: ReadonlyMap<string, unknown>) => Edit[]) | undefined;
  readonly unsafeCharacters: string;
  readonly engineIsGuess: boolean;
  readonly isConnectionString: boolean;
  readonly sensitive: readonly string[];
  readonly others: readonly OtherValue[];
  readonly refusal: ParsedText['refusal'];
}

/** What is known before the settings are looked at. */
export interface KnownSettings {
  /** Fields with their own names, or at the places that the tag keyturn:fields gives them. */
  readonly own: SecretFields;
  /** The leaf that holds `own.password`. */
  readonly password: Leaf | undefined;
  /** Leaves that the tag keyturn:fields names as the connection string. */
  readonly connections: readonly Leaf[];
  /** Leaves that the tag keyturn:fields names as fields. They are not read as anything else. */
  readonly taken: ReadonlySet<Leaf>;
  readonly hints: SettingsHints;
}

/** What the secret's tags and its rotator say of its settings. */
export interface SettingsHints {
  /** Whether a place stays as it is, whatever it holds. */
  isLeft(path: string): boolean;
  /** Engines of the secret's rotator. If the secret has several accounts, the one of such an engine is chosen. */
  readonly engines?: readonly string[] | undefined;
}

const aboutCredential = new Set([
  'engine',
  'host',
  'hosts',
  'port',
  'username',
  'password',
  'dbname',
  'ssl',
  'encrypt',
  'trustservercertificate',
  'applicationintent',
  'failoverpartner',
  'hostnameincertificate',
  'servercertificate',
]);

/** Fields that are never read as connection strings, whatever they look like. */
const plainFields = new Set(['username', 'password', 'host', 'port', 'dbname', 'engine', 'masterarn']);

/**
 * Finds the account of a secret with many values, and every place of its user and password. These can be connection strings,
 * or settings with names that frameworks use. The same user with the same password is the same account, also on another host.
 *
 * @throws MalformedSecret if the tag names a connection string that can't be read, or if several accounts could be meant
 */
export function readSettings(leaves: readonly Leaf[], known: KnownSettings): Settings {
  const references = referencesTo(leaves);
  const index = indexOf(leaves, references);
  const named = known.connections.map((leaf) => namedString(leaf, references));
  const free = leaves.filter(
    (leaf) =>
      index.counts(leaf) &&
      !known.taken.has(leaf) &&
      !known.connections.includes(leaf) &&
      !known.hints.isLeft(leaf.path),
  );
  const found = free.flatMap((leaf) => stringAccount(leaf, references) ?? []);
  const inStrings = new Set(found.map(({ leaf }) => leaf));
  const groups = free
    .filter((leaf) => leaf !== known.password && !inStrings.has(leaf))
    .flatMap((leaf) => groupAccount(leaf, index) ?? []);
  const own = ownAccount(index, known);
  const strings = withoutPlaceholders(found, [...groups, ...(own === undefined ? [] : [own])]);
  const all = [...named, ...strings, ...groups];
  const primary = own ?? named[0] ?? choosePrimary(all, known) ?? strings[0];
  if (primary === undefined) return { ...nothing, others: othersOf(leaves) };

  const matching = [
    primary,
    ...all.filter((account) => account !== primary && (named.includes(account) || isSame(primary, account))),
  ];
  const places = matching.filter(({ parsed }) => parsed !== undefined);
  const besideFields = matching.some(({ parsed }) => parsed === undefined);
  const [first] = places;
  return {
    fields: mergedFields(matching),
    slots: matching.flatMap(({ slots, parsed }) =>
      // An empty place in a string stays empty if the credential has fields of its own.
      slots.filter(
        ({ value }) => parsed === undefined || !besideFields || (value !== undefined && value !== ''),
      ),
    ),
    append: besideFields || first?.parsed === undefined ? undefined : appendTo(first.leaf, first.parsed),
    unsafeCharacters: matching
      .map(({ leaf, parsed }) => (leaf.unsafeCharacters ?? '') + (parsed?.unsafeCharacters ?? ''))
      .join(''),
    engineIsGuess: first?.parsed?.engineIsGuess ?? false,
    isConnectionString: places.some(({ slots }) => slots.length > 0),
    sensitive: places.flatMap(({ leaf, parsed }) => innerSensitive(String(leaf.value), parsed)),
    others: othersOf(leaves),
    refusal:
      matching.find(({ parsed }) => parsed?.refusal !== undefined)?.parsed?.refusal ??
      loginBeside(primary, leaves),
  };
}

/**
 * Takes the password out of connection strings that are templates, such as `Password=<password>`. A string counts as one only
 * if a password is beside it.
 */
function withoutPlaceholders(strings: readonly Account[], beside: readonly Account[]): Account[] {
  const passwords = new Set(beside.map(({ password }) => password));
  const isTemplate = ({ password }: Account): boolean =>
    passwords.size > 0 && isPlaceholder(password) && !passwords.has(password);
  return strings.map((account) => {
    if (!isTemplate(account)) return account;
    const { password, ...fields } = account.fields;
    const slots = account.slots.filter(({ field }) => field !== 'password');
    return { ...account, password: undefined, fields, slots };
  });
}

/** The refusal of a login by other means than user and password. npm's mssql and others set it beside them. */
function loginBeside({ leaf, parsed }: Account, leaves: readonly Leaf[]): Settings['refusal'] {
  if (parsed !== undefined) return undefined;
  const { scope } = leaf;
  const options = scope === '' ? 'options' : `${scope}.options`;
  const isKind = ({ path }: Leaf): boolean =>
    /(^|\.)authentication\.options$/.test(scope) && path === scope.replace(/options$/, 'type');
  const settings = leaves
    .filter((one) => one.scope === scope || one.scope === options || isKind(one))
    .map((one): [string, unknown] => [isKind(one) ? 'authentication' : one.name, one.value]);
  return otherLogin(settings);
}

const nothing: Settings = {
  fields: {},
  slots: [],
  append: undefined,
  unsafeCharacters: '',
  engineIsGuess: false,
  isConnectionString: false,
  sensitive: [],
  others: [],
  refusal: undefined,
};

function appendTo(leaf: Leaf, parsed: ParsedText): Settings['append'] {
  const { embedding } = leaf;
  return embedding === undefined ? undefined : (missing) => outerEdits(embedding, parsed.append(missing));
}

function namedString(leaf: Leaf, references: References): Account {
  if (leaf.embedding === undefined) throw notAConnectionString('it is no string');
  const form = connectionStringForm(leaf.embedding.text);
  if (form === undefined) throw notAConnectionString('its form is not known');
  try {
    return accountOf(leaf, leaf.embedding, parseAs(form, leaf.embedding.text), references);
  } catch (error) {
    throw isKeyturnError(error) ? notAConnectionString(error.message) : error;
  }
}

function notAConnectionString(reason: string): KeyturnError {
  return new KeyturnError(
    'MalformedSecret',
    `The field that the secret's "connection" names is no connection string: ${reason}`,
    'Correct the secret, or the tag keyturn:fields.',
    { field: 'connection' },
  );
}

function accountOf(
  leaf: Leaf,
  embedding: Embedding,
  parsed: ParsedText,
  { target, resolve }: References,
): Account {
  const resolved = (field: string, value: unknown): unknown =>
    field === 'password' ? (target(value, leaf.scope)?.value ?? value) : resolve(value, leaf.scope);
  const fields = Object.fromEntries(
    Object.entries(parsed.fields)
      .filter(([field]) => aboutCredential.has(field))
      .map(([field, value]) => [field, resolved(field, value)]),
  );
  const slots = parsed.slots.map((slot) => {
    const referred = target(slot.value, leaf.scope);
    return referred === undefined ? outerSlot(embedding)(slot) : slotAt(slot.field, referred);
  });
  return {
    leaf,
    username: textIn(fields.username),
    password: textIn(fields.password),
    fields,
    slots,
    parsed,
    isOther: false,
    isFormer: false,
    isDatabase: true,
  };
}

/** The account of a text that is a connection string. A URL of anything but a database is ignored. */
function stringAccount(leaf: Leaf, references: References): Account | undefined {
  const { embedding } = leaf;
  if (embedding === undefined || plainFields.has(leaf.path)) return undefined;
  const form = connectionStringForm(embedding.text);
  if (form === undefined || (form === 'url' && !isDatabaseUrl(embedding.text))) return undefined;
  const parsed = parseIfPossible(form, embedding.text);
  if (parsed === undefined) return undefined;
  // A note with an equals sign in it can look like a connection string, but has no login and no place.
  const { username, password, host, dbname } = parsed.fields;
  const isPlace = host !== undefined && dbname !== undefined;
  const isSure = form === 'url' || form === 'jdbc' || isPlace || username !== undefined;
  return isSure || password !== undefined ? accountOf(leaf, embedding, parsed, references) : undefined;
}

/** The account of a setting whose name means a password, with the settings that go with it. */
function groupAccount(named: Leaf, index: Index): Account | undefined {
  const reading = readName(named.name).find(({ field }) => field === 'password');
  const leaf = index.followed(named);
  const isEmpty = typeof leaf.value !== 'string' || leaf.value === '' || /^(null|none)$/i.test(leaf.value);
  if (reading === undefined || isEmpty) return undefined;
  const members = membersOf(leaf, reading.prefix, index);
  const username = members.get('username');
  // An item of a list has only a number. The list's name says what it is.
  const scopeName = leaf.scope.split('.').findLast((part) => !/^\d+$/.test(part)) ?? '';
  const fields = fieldsOf(members, reading.prefix, leaf, index);
  return {
    leaf,
    username: textIn(username?.value),
    password: textIn(leaf.value),
    fields: { ...fields, password: leaf.value },
    slots: [
      ...index.duplicates(leaf).map((one) => slotAt('password', one)),
      ...(username === undefined ? [] : [slotAt('username', username)]),
    ],
    parsed: undefined,
    isOther: isOtherAccount(`${scopeName} ${reading.prefix}`),
    isFormer: isFormerAccount(`${scopeName} ${reading.prefix}`),
    isDatabase:
      fields.engine !== undefined ||
      fields.dbname !== undefined ||
      [...wordsOf(reading.prefix), ...wordsOf(leaf.scope)].some(isDatabaseWord),
  };
}

/** The account of the secret's own field `password`. Missing fields come from settings beside it, such as DB_USER. */
function ownAccount(index: Index, { own, password: leaf }: KnownSettings): Account | undefined {
  if (typeof own.password !== 'string' || leaf === undefined) return undefined;
  const prefix = readName(leaf.name).find(({ field }) => field === 'password')?.prefix ?? '';
  const members = membersOf(leaf, prefix, index);
  const found = fieldsOf(members, prefix, leaf, index);
  const username = members.get('username');
  const isMissing = own.username === undefined && username !== undefined;
  return {
    leaf,
    username: textIn(own.username) ?? textIn(username?.value),
    password: own.password,
    fields: { ...found, ...definedFields(own) },
    slots: isMissing ? [slotAt('username', username)] : [],
    parsed: undefined,
    isOther: false,
    isFormer: false,
    isDatabase: true,
  };
}

function slotAt(field: string, { value, span, encode }: Leaf): Slot {
  return { field, value, span, encode };
}

/**
 * Chooses the account to rotate in a secret without a field `password`. Undefined if there is none, or if several settings but
 * no connection string could be meant.
 *
 * @throws MalformedSecret if several connection strings could be meant
 */
function choosePrimary(
  accounts: readonly Account[],
  { own: { username }, hints }: KnownSettings,
): Account | undefined {
  const usable = accountsOfApplication(accounts);
  const withPassword = usable.filter((account) => !differs(account.username, textIn(username)));
  if (withPassword.length === 0 && usable.some(({ parsed }) => parsed !== undefined))
    throw severalAccounts(usable);
  const distinct = differentAccounts(withPassword);
  if (distinct.length <= 1) return best(withPassword);
  const families = new Set(hints.engines?.flatMap((engine) => engineFamily(engine) ?? []));
  const isOfRotator = ({ fields }: Account): boolean => families.has(engineFamily(fields.engine) ?? '');
  for (const isMeant of [({ isDatabase }: Account) => isDatabase, isOfRotator]) {
    const meant = differentAccounts(distinct.filter(isMeant));
    if (meant.length === 1)
      return best(withPassword.filter((account) => meant.some((one) => isSame(one, account))));
  }
  if (!withPassword.some(({ parsed }) => parsed !== undefined)) return undefined;
  throw severalAccounts(distinct);
}

function severalAccounts(accounts: readonly Account[]): KeyturnError {
  const paths = listPaths(accounts.map(({ leaf }) => leaf.path));
  return new KeyturnError(
    'MalformedSecret',
    `The secret holds connection strings for different accounts, in the fields ${paths}.`,
    'Name the one to rotate with the tag keyturn:fields, such as connection=name.',
  );
}

/** The mention that the fields are read from: preferably with a user and a host, and no read replica. Else the first one. */
function best(accounts: readonly Account[]): Account | undefined {
  const isWriter = ({ leaf, fields }: Account): boolean => !isReplica(leaf.path, hostOf(fields));
  const complete = accounts.filter(
    ({ username, fields }) => username !== undefined && fields.host !== undefined,
  );
  return (
    complete.find(isWriter) ??
    complete[0] ??
    accounts.find(({ username }) => username !== undefined) ??
    accounts[0]
  );
}

/**
 * Merges the fields of all mentions. The first mention wins, then those in the same object. Mentions of another host are left
 * out.
 */
function mergedFields(accounts: readonly Account[]): SecretFields {
  let merged: SecretFields = {};
  const [first, ...others] = accounts;
  const near = others.filter(({ leaf }) => leaf.scope === first?.leaf.scope);
  const far = others.filter(({ leaf }) => leaf.scope !== first?.leaf.scope);
  for (const { fields } of [...(first === undefined ? [] : [first]), ...near, ...far])
    if (!differs(hostOf(merged), hostOf(fields))) merged = { ...fields, ...definedFields(merged) };
  return merged;
}

function innerSensitive(inner: string, parsed: ParsedText | undefined): string[] {
  return (parsed?.slots ?? [])
    .filter(({ field }) => field === 'password')
    .map(({ span }) => inner.slice(span.start, span.end));
}
