import {
  type ChangeContext,
  type ChangingRotator,
  KeyturnError,
  type RotatorContext,
  type SecretFields,
} from '../../src/rotator/index.ts';
import { setOnce } from '../database/change.ts';
import { alternatingUsers } from '../database/rotators.ts';
import { parseUserPair } from '../database/user-pair.ts';
import { type Account, findAccount, setPasswordOf } from './account.ts';
import { containedUsersStatement } from './catalogue.ts';
import { isPolicyRefusal } from './classify.ts';
import { prepareClone, prepareLoginOnly } from './clone.ts';
import {
  type AlternatingCredential,
  parseAccountName,
  parseCredential,
  type SqlServerCredential,
} from './credential.ts';
import { sqlServerEngine } from './engine.ts';
import { excessRights, type Relation } from './excess.ts';
import { requireSameRights, requireSameVisibleRights } from './gate.ts';
import { isDatabaseClosed } from './login-failure.ts';
import { preflightAlternatingUsers } from './preflight.ts';
import { fitsName } from './quoting.ts';
import { explainRefusal } from './refused-login.ts';
import { commonSid, eachReplica, requireReplicas } from './replicas.ts';
import { connect, type SqlServerOptions, type SqlServerSession } from './session.ts';

/**
 * Rotates between two SQL Server logins, or two users of a contained database, so that the credential of AWSCURRENT
 * always works. The admin makes the changes. Drop-in for AWS's SecretsManagerRDSSQLServerRotationMultiUser.
 *
 * @param options how the function connects; default: verified TLS, and Node.js's own authorities
 */
export function sqlServerAlternatingUsers(
  options: SqlServerOptions = {},
): ChangingRotator<AlternatingCredential, SqlServerSession> {
  return alternatingUsers(sqlServerEngine(options), {
    parse,
    change: (session, pending, context) => change(session, pending, options, context),
    verify: (session, { username: next }, context) =>
      requireSameVisibleRights(session, { other: context.current.username, next }, context),
    preflight: (session, credential, admin, context) =>
      preflightAlternatingUsers({ session, credential, admin, options, context }),
    excessRights: (admin, subject, proven, context) =>
      excessRights(admin, subject, proven, relationOf(subject), context),
    explainRefusal,
  });
}

function parse(fields: SecretFields): AlternatingCredential {
  const credential = parseCredential(fields);
  // The username of a secret of Azure may end with the server's name. The pair is made of the login's name alone.
  const pair = parseUserPair({ ...fields, username: credential.username }, fitsName);
  parseAccountName(pair.alternate, fields.alternatingusers === undefined ? 'username' : 'alternatingusers');
  return { ...credential, pair };
}

function relationOf({ username, pair: { original } }: AlternatingCredential): Relation {
  if (original === undefined) return 'none';
  return username === original ? 'original' : 'clone';
}

async function change(
  session: SqlServerSession,
  pending: AlternatingCredential,
  options: SqlServerOptions,
  context: ChangeContext<AlternatingCredential>,
): Promise<void> {
  const { current } = context;
  // Asked only once: between two looks, a database's owner can drop a contained user.
  const account = await findAccount(session, current.username);
  if (account.kind === 'login') await requireLogin(session, account, options, context);
  await requireReplicas(session, account, current, options, context);
  const asked = { pending, using: context.using, options, context };
  const sid = account.kind === 'login' ? await commonSid(session, asked) : undefined;
  if (account.kind === 'login')
    await eachReplica(asked, async (replica, _name, place) => {
      const made = await prepareLoginOnly(replica, pending, account, sid);
      if (!made.hasPassword)
        await setOnce(
          () => setPasswordOf(replica, pending, account),
          isPolicyRefusal,
          () => connect(place, options, context),
        );
    });
  const { hasPassword } = await prepareClone(session, pending, account, sid);
  const set = () => setPasswordOf(session, pending, account);
  if (!hasPassword) await setOnce(set, isPolicyRefusal, () => connect(pending, options, context));
  const pair = { other: current.username, next: pending.username };
  await requireSameRights(session, pair, account, context);
}

/**
 * Makes sure that the accepted credentials are those of logins. The owner of a contained database can create a user there
 * with the name of any login, log in as that user, and drop it again before the admin looks. The admin would then change
 * the login of that name. Only logins can log in to master, so that is tried.
 *
 * @throws PermissionDenied
 * @see https://learn.microsoft.com/sql/relational-databases/databases/security-best-practices-with-contained-databases
 */
async function requireLogin(
  session: SqlServerSession,
  { isAzure, database }: Account,
  options: SqlServerOptions,
  context: ChangeContext<AlternatingCredential>,
): Promise<void> {
  if (database === 'master') return;
  const [setting] = isAzure
    ? [{ allowed: 1 }]
    : await session.query<{ allowed: number }>(containedUsersStatement);
  if (setting?.allowed !== 1) return;
  for (const credential of context.proven ?? [context.current]) {
    if (!(await isLogin(credential, options, context))) throw notTheLogin(credential, database);
  }
}

function notTheLogin({ username }: AlternatingCredential, database: string): KeyturnError {
  return new KeyturnError(
    'PermissionDenied',
    `There may be a login ${username}, but the password of the secret is not its password: only the database ${database} accepted it.`,
    'Nothing was changed. See who has created and dropped users in that database. If the secret is for the login, store its password.',
  );
}

/**
 * Whether a credential is a login's. Azure's master is closed to most logins, but only a right password gets that answer.
 */
async function isLogin(
  credential: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<boolean> {
  try {
    const proof = await connect({ ...credential, database: 'master' }, options, context);
    await proof?.close();
    return proof !== undefined;
  } catch (error) {
    if (isDatabaseClosed(error)) return true;
    throw error;
  }
}
