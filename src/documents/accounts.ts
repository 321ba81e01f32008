import { engineFamily } from './engines.ts';
import type { SecretFields } from './fields.ts';
import type { ParsedText, Slot } from './form.ts';
import type { Leaf } from './leaves.ts';

/** One mention of an account: a connection string, or a password with the settings around it. */
export interface Account {
  readonly leaf: Leaf;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly fields: SecretFields;
  readonly slots: readonly Slot[];
  /** The connection string. Undefined for a password with settings around it. */
  readonly parsed: ParsedText | undefined;
  /** Its name says that it is not the application's account, such as ADMIN_PASSWORD. The password may still be the same. */
  readonly isOther: boolean;
  /** Its name says that it is no longer used, such as OLD_PASSWORD. It may still be the same login. */
  readonly isFormer: boolean;
  readonly isDatabase: boolean;
}

/** Whether two mentions have one user and one password, whatever they are called. */
function isSameLogin(one: Account, other: Account): boolean {
  const { username, password } = one;
  return username !== undefined && username === other.username && password === other.password;
}

/**
 * Whether another mention is of the same account. Ports are not compared, because a pooler has another port and the same
 * accounts. If a connection string has another password for the same user and host, it is the same account: one of the two
 * passwords is out of date.
 */
export function isSame(primary: Account, other: Account): boolean {
  if (other.isOther && (other.isFormer || !isSameLogin(primary, other))) return false;
  if (differs(familyOf(primary), familyOf(other))) return false;
  if (differs(primary.username, other.username)) return false;
  const [one, two] = [primary.password, other.password];
  if (one !== undefined && one === two) return true;
  if (other.parsed === undefined || differs(hostOf(primary.fields), hostOf(other.fields))) return false;
  const isOutOfDate = primary.username !== undefined && primary.username === other.username;
  return isOutOfDate || one === undefined || two === undefined;
}

/** A host in lower case, without port and instance, so that it can be compared with a field that has the host alone. */
export function hostOf({ host }: SecretFields): string | undefined {
  return typeof host === 'string' ? host.split('\\')[0]?.replace(/:\d+$/, '').toLowerCase() : undefined;
}

/** Whether both values are known and they are not the same. */
export function differs(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/** An account with a password. */
export interface OpenAccount extends Account {
  readonly password: string;
}

/**
 * Answers whether an account is already known, by the rules of {@link isSame}. A secret can hold thousands of mentions, and
 * comparing each with each would take seconds.
 */
interface AccountIndex {
  add(account: OpenAccount): void;
  hasSame(account: OpenAccount): boolean;
}

/** The engines of all accounts under one key. */
interface Engines {
  /** Whether the engine of one of them is unknown, or only a guess. */
  isOpen: boolean;
  readonly families: Set<string>;
}

function createAccountIndex(): AccountIndex {
  const known = new Map<string, Engines>();
  return {
    add: (account) => {
      const family = familyOf(account);
      for (const key of keysOf(account)) {
        const engines = known.get(key) ?? { isOpen: false, families: new Set() };
        if (family === undefined) engines.isOpen = true;
        else engines.families.add(family);
        known.set(key, engines);
      }
    },
    hasSame: (account) => {
      const family = familyOf(account);
      return keysOfSame(account).some((key) => {
        const engines = known.get(key);
        return (
          engines !== undefined && (family === undefined || engines.isOpen || engines.families.has(family))
        );
      });
    },
  };
}

/** The family of an account's engine. Undefined if the engine is unknown, or only a guess. */
function familyOf({ parsed, fields }: Account): string | undefined {
  return parsed?.engineIsGuess === true ? undefined : engineFamily(fields.engine);
}

function keyOf(...parts: readonly (string | undefined)[]): string {
  return JSON.stringify(parts.map((part) => part ?? null));
}

/**
 * The keys under which an account is kept: its password, and its user. A mention that is looked up may lack the user or the
 * host, so there is a key with it and a key without it.
 */
function keysOf({ username, password, fields }: OpenAccount): string[] {
  const byPassword = [keyOf('password', password), keyOf('password', password, username)];
  if (username === undefined) return byPassword;
  return [...byPassword, keyOf('user', username), keyOf('user', username, hostOf(fields))];
}

/** Those keys of {@link keysOf} under which the same account would be kept. */
function keysOfSame({ username, password, fields, parsed, isOther, isFormer }: OpenAccount): string[] {
  if (isOther) return isFormer || username === undefined ? [] : [keyOf('password', password, username)];
  const samePassword =
    username === undefined
      ? [keyOf('password', password)]
      : [keyOf('password', password, username), keyOf('password', password, undefined)];
  if (parsed === undefined || username === undefined) return samePassword;
  const host = hostOf(fields);
  const sameUser =
    host === undefined
      ? [keyOf('user', username)]
      : [keyOf('user', username, host), keyOf('user', username, undefined)];
  return [...samePassword, ...sameUser];
}

/** The accounts without repetitions: an account is left out if an earlier one is the same. */
export function differentAccounts(accounts: readonly OpenAccount[]): OpenAccount[] {
  const earlier = createAccountIndex();
  return accounts.filter((account) => {
    const isKnown = earlier.hasSame(account);
    earlier.add(account);
    return !isKnown;
  });
}

/** The application's own accounts. One that is called otherwise, such as ADMIN_PASSWORD, stays if it is the same as one of them. */
export function accountsOfApplication(accounts: readonly Account[]): OpenAccount[] {
  const known = accounts.filter((account): account is OpenAccount => account.password !== undefined);
  const own = createAccountIndex();
  for (const account of known) if (!account.isOther) own.add(account);
  return known.filter((account) => !account.isOther || own.hasSame(account));
}
