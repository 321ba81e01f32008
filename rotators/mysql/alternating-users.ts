import type { ChangeContext, ChangingRotator } from '../../src/rotator/index.ts';
import { alternatingUsers } from '../database/rotators.ts';
import { parseUserPair } from '../database/user-pair.ts';
import {
  accountMissing,
  accountsOf,
  type KnownAccount,
  requireNewServer,
  requirePassword,
  requireWritable,
  severalAccounts,
} from './accounts.ts';
import { prepareClone } from './clone.ts';
import { type AlternatingCredential, longestUserName, parseCredential } from './credential.ts';
import { mysqlEngine } from './engine.ts';
import { excessRights } from './excess.ts';
import { setPasswordOf } from './password.ts';
import { preflightAlternatingUsers } from './preflight.ts';
import { type Account, fitsName } from './quoting.ts';
import { requireSameRights } from './rights.ts';
import { createOpen, type MysqlSession, type Open } from './session.ts';
import type { MysqlOptions } from './single-user.ts';

/**
 * Rotates between two users of MySQL or MariaDB, so that the credential of AWSCURRENT always works. The admin makes the
 * changes. Drop-in for AWS's SecretsManagerRDSMySQLRotationMultiUser and SecretsManagerRDSMariaDBRotationMultiUser.
 *
 * @param options how the function connects; default: verified TLS only. `revocation` has no effect here
 */
export function mysqlAlternatingUsers(
  options: MysqlOptions = {},
): ChangingRotator<AlternatingCredential, MysqlSession> {
  const open = createOpen(options);
  return alternatingUsers(mysqlEngine(open), {
    parse: (fields) => {
      const longest = longestUserName(fields, options.usernameCharacterLimit);
      return { ...parseCredential(fields), pair: parseUserPair(fields, (name) => fitsName(name, longest)) };
    },
    change: (admin, pending, context) => change(admin, pending, context, open),
    verify: async (session) => {
      await session.server();
    },
    excessRights: (admin, subject, proven) => excessRights(admin, subject.username, proven?.username),
    preflight: preflightAlternatingUsers,
  });
}

async function change(
  admin: MysqlSession,
  pending: AlternatingCredential,
  context: ChangeContext<AlternatingCredential, MysqlSession>,
  open: Open,
): Promise<void> {
  const server = await admin.server();
  requireNewServer(server);
  requireWritable(server);
  const current = await currentAccount(admin, context, open);
  const next: Account = { user: pending.username, host: current.host };
  const known = await accountsOf(admin, next.user);
  const others = known.filter(({ host }) => host !== next.host);
  // The server takes the account with the most specific host, and that may not be the clone.
  if (others.length > 0) throw severalAccounts(known);
  for (const account of known) requirePassword(account);
  const { original } = pending.pair;
  if (original !== undefined && next.user !== original) await prepareClone(admin, current, next, pending);
  else if (known.length === 0) throw accountMissing(next.user, next.host);
  await setPasswordOf(admin, next, pending, { open, context });
  await requireSameRights(admin, current, next);
}

/**
 * The account that AWSCURRENT opens. If its name exists for several hosts, a login shows which one the server takes.
 */
async function currentAccount(
  admin: MysqlSession,
  context: ChangeContext<AlternatingCredential, MysqlSession>,
  open: Open,
): Promise<KnownAccount> {
  const { current, proven = [current] } = context;
  const known = await accountsOf(admin, current.username);
  const [only, ...others] = known;
  if (only === undefined) throw accountMissing(current.username);
  if (others.length === 0) return only;
  const opener = proven.find(({ username }) => username === current.username);
  const session = opener === undefined ? undefined : await open(opener, context);
  if (session === undefined) throw severalAccounts(known);
  try {
    const { account } = await session.server();
    const matched = known.find(({ host }) => host === account.host);
    if (matched === undefined) throw severalAccounts(known);
    return matched;
  } finally {
    await session.close();
  }
}
