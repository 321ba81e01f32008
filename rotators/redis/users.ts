import { createHash } from 'node:crypto';
import { KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import type { Connection } from './connection.ts';
import { addressOf } from './credential.ts';
import { acceptsAnyPassword, ServerError } from './server-error.ts';
import { infoOf, isNoPermission, pairsOf } from './servers.ts';

/** A user, as a server knows it. */
export interface User {
  readonly flags: readonly string[];
  /** SHA-256 of each password, in hexadecimal. */
  readonly passwords: readonly string[];
  /** Its rights, as the server writes them: commands, keys, channels, databases and selectors. */
  readonly rules: Readonly<Record<'commands' | 'keys' | 'channels' | 'databases' | 'selectors', string>>;
}

/** The hash by which a server knows a password: https://redis.io/docs/latest/commands/acl-setuser/ */
export function hashOf(password: string): string {
  return createHash('sha256').update(password).digest('hex');
}

/** Looks a user up; undefined if it does not exist. @throws ServerError */
export async function findUser(connection: Connection, username: string): Promise<User | undefined> {
  const answer = await connection.ask('ACL', 'GETUSER', username);
  if (!Array.isArray(answer)) return undefined;
  const list: unknown[] = answer;
  const value = (name: string): unknown => list[list.indexOf(name) + 1];
  const texts = (name: string): string[] => {
    const found = value(name);
    return Array.isArray(found) ? found.map(String) : [];
  };
  // Redis 6 answers keys and channels as lists. Later versions write them as rules.
  const rules = (name: string): string => (list.includes(name) ? JSON.stringify(value(name)) : '');
  return {
    flags: texts('flags'),
    passwords: texts('passwords'),
    rules: {
      commands: String(value('commands') ?? ''),
      keys: rules('keys'),
      channels: rules('channels'),
      // Valkey 9.1
      databases: rules('databases'),
      selectors: rules('selectors'),
    },
  };
}

/**
 * Looks a user up, and makes sure that it can log in with a password.
 *
 * @throws AccountMissing for a missing user; TargetFailed for one that is off or needs no password
 */
export async function requireUser(connection: Connection, username: string): Promise<User> {
  const place = addressOf(connection.node);
  const user = await findUser(connection, username);
  if (user === undefined) {
    throw new KeyturnError(
      'AccountMissing',
      `The server at ${place} has no user "${username}".`,
      'Nothing was changed. Users are not replicated: create it at every server, or correct its name in the secret.',
      { field: 'username' },
    );
  }
  if (user.flags.includes('nopass')) throw acceptsAnyPassword(username, place);
  if (user.flags.includes('on')) return user;
  throw new KeyturnError(
    'TargetFailed',
    `The user "${username}" is off at ${place}.`,
    'Nothing was changed. Switch it on (ACL SETUSER NAME on), and rotate again.',
    { field: 'username' },
  );
}

/** The hashes of all passwords that a user is to have. */
export interface WantedPasswords {
  readonly username: string;
  readonly hashes: ReadonlySet<string>;
}

/** Two invocations may try to remove the same password. For the second one it does not exist any more, so it tries again. */
const mostTries = 4;

/**
 * Gives a user these passwords with one command. The user then has all of them, or the passwords from before. It may be
 * repeated.
 */
export async function setPasswords(
  connection: Connection,
  { username, hashes }: WantedPasswords,
): Promise<void> {
  for (let left = mostTries - 1; ; left -= 1) {
    const { passwords } = await requireUser(connection, username);
    const added = [...hashes].filter((hash) => !passwords.includes(hash));
    const ended = passwords.filter((hash) => !hashes.has(hash));
    const rules = [...added.map((hash) => `#${hash}`), ...ended.map((hash) => `!${hash}`)];
    if (rules.length === 0) return;
    try {
      await connection.ask('ACL', 'SETUSER', username, ...rules);
      return;
    } catch (error) {
      if (left === 0 || !(error instanceof ServerError) || !/does not exist/.test(error.message)) throw error;
    }
  }
}

/**
 * What keeps a change over a restart of the server: the ACL file, the configuration file, or nothing. `unwritable`: the
 * server has a configuration file, but CONFIG REWRITE would damage it.
 */
export type Survival = 'acl-file' | 'configuration' | 'unwritable' | 'nothing';

/**
 * Whether CONFIG REWRITE can write the users. It writes names and rules as they are. With a quotation mark in one of them,
 * the server does not start again ("Unbalanced quotes in configuration line"), or it starts with another user.
 */
async function canBeRewritten(connection: Connection, username: string): Promise<boolean> {
  try {
    const answer = await connection.ask('ACL', 'LIST');
    return !/["']/.test(Array.isArray(answer) ? answer.map(String).join(' ') : '');
  } catch (error) {
    if (!isNoPermission(error)) throw error;
  }
  // The session may not see the other users.
  const user = await findUser(connection, username);
  const { keys = '', channels = '', selectors = '' } = user?.rules ?? {};
  return !/["']/.test(username) && !/'|\\"/.test(`${keys}${channels}${selectors}`);
}

/**
 * Saves a server's users to its file, if it has one. A change that is only in memory ends with a restart. The server would
 * then refuse AWSCURRENT.
 *
 * @returns where the change is saved
 * @throws TargetFailed for a file that can't be written. AWSCURRENT then stays on the old password, which the file
 *   holds
 * @see https://redis.io/docs/latest/commands/acl-save/
 */
export async function persist(connection: Connection, username: string): Promise<Survival> {
  try {
    await connection.ask('ACL', 'SAVE');
    return 'acl-file';
  } catch (error) {
    if (!isWithout(error, /not configured to use an ACL file/i)) throw notSaved(error, connection);
  }
  if (!(await canBeRewritten(connection, username))) return 'unwritable';
  try {
    await connection.ask('CONFIG', 'REWRITE');
    return 'configuration';
  } catch (error) {
    if (isNoPermission(error)) return 'nothing';
    // There is no writable configuration file: something else writes it, and the users in it.
    if (error instanceof ServerError) return 'nothing';
    throw error;
  }
}

function isWithout(error: unknown, words: RegExp): boolean {
  return error instanceof ServerError && words.test(error.message);
}

function notSaved(error: unknown, { node }: Connection): unknown {
  if (!(error instanceof ServerError) || isNoPermission(error)) return error;
  return new KeyturnError(
    'TargetFailed',
    `The server at ${addressOf(node)} can not write its ACL file.`,
    'AWSCURRENT has not moved, and works. Let the server write the file, and rotate again.',
    { cause: error },
  );
}

/** Where a server would save its users; undefined if the session's user may not ask. Saves nothing. */
export async function survivalOf(connection: Connection, username: string): Promise<Survival | undefined> {
  try {
    const file = pairsOf(await connection.ask('CONFIG', 'GET', 'aclfile')).get('aclfile') ?? '';
    if (file !== '') return 'acl-file';
    const configuration = infoOf(await connection.ask('INFO', 'server')).get('config_file') ?? '';
    if (configuration === '') return 'nothing';
    return (await canBeRewritten(connection, username)) ? 'configuration' : 'unwritable';
  } catch (error) {
    if (isNoPermission(error)) return undefined;
    throw error;
  }
}

/**
 * Whether the servers log in to each other as this user with one of these passwords. One rotation later, that password
 * would be refused. If the user may not ask, the answer is no.
 */
export async function isReplicationUser(
  connection: Connection,
  username: string,
  passwords: readonly string[],
): Promise<boolean> {
  try {
    const settings = pairsOf(await connection.ask('CONFIG', 'GET', 'master*'));
    const [user = '', password = ''] = [settings.get('masteruser'), settings.get('masterauth')];
    return password !== '' && (user || 'default') === username && passwords.includes(password);
  } catch (error) {
    if (isNoPermission(error)) return false;
    throw error;
  }
}

/** The note about servers that lose the change with a restart. */
export function noteSurvival(
  survivals: readonly (readonly [Connection, Survival])[],
  { note }: Pick<RotatorContext, 'note'>,
): void {
  for (const [survival, reason] of [
    ['nothing', 'neither an ACL file nor a configuration file holds it'],
    ['unwritable', 'a user has a quotation mark in its name or rules, which CONFIG REWRITE does not quote'],
  ] as const) {
    const places = survivals.filter(([, found]) => found === survival).map(([{ node }]) => addressOf(node));
    if (places.length === 0) continue;
    note(`After a restart of ${places.join(', ')} the new password is lost, since ${reason}: set "aclfile".`);
  }
}
