import type { RotatorContext } from '../../src/rotator/index.ts';
import { requireNothingMissing } from '../database/change.ts';
import { type Account, findAccount, findLogin, findUser } from './account.ts';
import { databaseRights, missingIn, serverRights } from './rights.ts';
import { type AccountPair, eachScope, userOfLogin } from './scopes.ts';
import type { SqlServerSession } from './session.ts';

const remedy = 'Grant it to both users, or to a role that both are members of, and rotate again.';

/**
 * Refuses the next account if it can do less than the other, on the server or in any database that the admin may enter.
 * The admin asks, because SQL Server shows an account nothing of another's rights.
 *
 * @throws PrivilegesMissing, naming what is missing
 */
export async function requireSameRights(
  session: SqlServerSession,
  pair: AccountPair,
  account: Account,
  context: RotatorContext,
): Promise<void> {
  const missing: string[] = [];
  await eachScope(session, pair, account, {
    server: async () => {
      const [own, other] = [await serverRights(session, pair.next), await serverRights(session, pair.other)];
      missing.push(...missingIn('server', own, other));
    },
    database: async ({ name, otherUser, findNextUser }) => {
      const user = await findNextUser();
      const found = user === undefined ? ['a user'] : await missingHere(session, user.name, otherUser.name);
      missing.push(...found.map((what) => `${what} (in ${name})`));
    },
    unseen: (names) =>
      context.note(
        `The admin may not see all users of ${names.join(', ')}: the rights there were not compared.`,
      ),
  });
  requireNothingMissing(missing, pair.other, remedy);
}

async function missingHere(session: SqlServerSession, next: string, other: string): Promise<string[]> {
  return missingIn('database', await databaseRights(session, next), await databaseRights(session, other));
}

/**
 * The same check in the next account's own session, on the server and in the secret's database. It finds what has changed
 * since the admin looked. It only finds what the account may see: for the other's rights it needs VIEW DEFINITION on the
 * other, or more. A note says so if it may see nothing.
 *
 * @throws PrivilegesMissing, naming what is missing
 * @see https://learn.microsoft.com/sql/relational-databases/security/metadata-visibility-configuration
 */
export async function requireSameVisibleRights(
  session: SqlServerSession,
  pair: AccountPair,
  context: RotatorContext,
): Promise<void> {
  const { kind, isAzure } = await findAccount(session, pair.next);
  // A database of Azure shows no logins. A user that Keyturn has made has the name of its login.
  const isOnServer = kind === 'login' && !isAzure;
  const find = isOnServer ? userOfLogin : findUser;
  const [next, other] = [await find(session, pair.next), await find(session, pair.other)];
  const login = isOnServer ? await findLogin(session, pair.other) : undefined;
  const missing =
    login === undefined
      ? []
      : missingIn('server', await serverRights(session, pair.next), await serverRights(session, pair.other));
  if (next !== undefined && other !== undefined)
    missing.push(...(await missingHere(session, next.name, other.name)));
  if (login === undefined && other === undefined)
    context.note(
      `${pair.next} may not see the rights of ${pair.other}. The admin compared them in setSecret.`,
    );
  requireNothingMissing(missing, pair.other, remedy);
}
