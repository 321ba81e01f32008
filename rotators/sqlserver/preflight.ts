import type { Finding, RotatorContext } from '../../src/rotator/index.ts';
import { encryption, finding, findingOf } from '../database/preflight.ts';
import { type Account, accountMissing, findAccount, findLogin, findUser, whereLoginsAre } from './account.ts';
import { type AdminRights, lackingFor, rightsOf } from './admin-rights.ts';
import { azureAdminRightsStatement, updateableStatement } from './catalogue.ts';
import { prepareClone, type Step } from './clone.ts';
import type { AlternatingCredential, SqlServerCredential } from './credential.ts';
import { requireActingAsOwner } from './database-owner.ts';
import { requireSameRights } from './gate.ts';
import { quoteIdentifier } from './quoting.ts';
import { requireReplicas, requireReplicasReached } from './replicas.ts';
import type { SqlServerOptions, SqlServerSession } from './session.ts';

/** What a preflight is given. */
export interface Preflight<Credential extends SqlServerCredential> {
  readonly session: SqlServerSession;
  readonly credential: Credential;
  readonly admin: SqlServerSession | undefined;
  readonly options: SqlServerOptions;
  readonly context: RotatorContext;
}

/** Asked only for contained users: they are in their database. Logins are in master, which is never a replica. */
async function writable(session: SqlServerSession, { kind }: Account): Promise<Finding[]> {
  if (kind === 'login') return [];
  const [row] = await session.query<{ updateability: string | null }>(updateableStatement);
  const wrong =
    row?.updateability === 'READ_WRITE' ? undefined : 'is read-only: no password can be changed in it';
  return [finding('database', 'takes changes', wrong)];
}

async function replicas(
  session: SqlServerSession,
  account: Account,
  { credential, options, context }: Preflight<SqlServerCredential>,
): Promise<Finding[]> {
  const named = credential.replicas ?? [];
  if (account.kind !== 'login' || (!credential.readOnlyIntent && named.length === 0)) return [];
  return [
    await findingOf('replicas', `${named.length} beside the primary get the password`, async () => {
      await requireReplicas(session, account, credential, options, context);
      await requireReplicasReached(session, credential, options, context);
    }),
  ];
}

/** Whether the admin may set the password of an existing account. */
async function mayChange(admin: SqlServerSession, username: string, account: Account): Promise<Finding> {
  const name = 'admin rights';
  const detail = `may change ${username}`;
  if (account.kind === 'contained user') return findingOf(name, detail, () => requireActingAsOwner(admin));
  if (account.isAzure) return azureRights(admin, username, account);
  if ((await findLogin(admin, username)) === undefined)
    return finding(name, detail, accountMissing('login', username).message.replace(/\.$/, ''));
  return finding(name, detail, await lackingFor(admin, username));
}

async function azureRights(admin: SqlServerSession, username: string, account: Account): Promise<Finding> {
  return findingOf('admin rights', `may change ${username}`, () =>
    whereLoginsAre(admin, account, async (master) => {
      const [rights = {}] = await master.query<object>(azureAdminRightsStatement);
      if (!Object.values(rights).includes(1))
        throw accountMissing('login', username, 'loginmanager in master');
    }),
  );
}

/** Looks at each step that would make the clone, and takes none. */
async function mayMakeClone(
  { credential, admin }: { readonly credential: AlternatingCredential; readonly admin: SqlServerSession },
  account: Account,
): Promise<Finding> {
  const { alternate } = credential.pair;
  const pending = { ...credential, username: alternate };
  const lacking: string[] = [];
  const take = async ({ database, statements }: Step, there: SqlServerSession): Promise<void> => {
    if (database !== undefined) return statements.length > 0 ? requireActingAsOwner(there) : undefined;
    if (account.isAzure) return;
    const rights = await rightsOf(there);
    lacking.push(...statements.flatMap((statement) => lackingOnServer(statement, alternate, rights)));
  };
  const found = await findingOf('clone', `may make ${alternate}, and give it its rights`, async () => {
    await prepareClone(admin, pending, account, undefined, take);
  });
  return found.ok && lacking.length > 0
    ? { ...found, ok: false, detail: `needs ${[...new Set(lacking)].join(', ')}` }
    : found;
}

/** @see https://learn.microsoft.com/sql/t-sql/statements/alter-server-role-transact-sql */
function lackingOnServer(statement: string, clone: string, rights: AdminRights): string[] {
  const { alterAnyLogin, controlServer, sysadmin } = rights;
  // Every new login has this right.
  if (statement === `GRANT CONNECT SQL TO ${quoteIdentifier(clone)}`) return [];
  if (/^(CREATE|ALTER) LOGIN /.test(statement))
    return alterAnyLogin === 1 || controlServer === 1 ? [] : ['ALTER ANY LOGIN'];
  if (statement.startsWith('ALTER SERVER ROLE '))
    return sysadmin === 1 ? [] : [`sysadmin (for ${statement.replace(/ ADD MEMBER .*$/s, '')})`];
  return controlServer === 1 ? [] : [`CONTROL SERVER (for ${statement.replace(/ TO \[.*$/s, '')})`];
}

/** What a rotation of a single user needs. */
export async function preflightSingleUser(given: Preflight<SqlServerCredential>): Promise<Finding[]> {
  const { session, credential, admin } = given;
  const account = await findAccount(session, credential.username);
  const findings = [
    encryption(session.encryption),
    await findingOf('account', `is a ${account.kind}`, async () => {
      // Where an admin secret is named, the admin could do it instead.
      if (admin === undefined) await whereLoginsAre(session, account, async () => undefined);
    }),
    ...(await writable(session, account)),
    ...(await replicas(session, account, given)),
  ];
  if (admin === undefined) return findings;
  return [...findings, await mayChange(admin, credential.username, account)];
}

/** What a rotation of alternating users needs. */
export async function preflightAlternatingUsers(given: Preflight<AlternatingCredential>): Promise<Finding[]> {
  const { session, credential, admin, context } = given;
  const { username, pair } = credential;
  const account = await findAccount(session, username);
  const findings = [
    encryption(session.encryption),
    { check: 'account', ok: true, detail: `is a ${account.kind}` },
    ...(await writable(session, account)),
    ...(await replicas(session, account, given)),
  ];
  if (admin === undefined) return findings;
  const clone = pair.original !== undefined && pair.alternate !== pair.original;
  const exists = await isThere(admin, pair.alternate, account);
  if (clone) findings.push(await mayMakeClone({ credential, admin }, account));
  else
    findings.push(
      finding(
        'other user',
        'exists',
        exists ? undefined : accountMissing(account.kind, pair.alternate).message,
      ),
    );
  if (exists) findings.push(await mayChange(admin, pair.alternate, account));
  if (exists && !clone)
    findings.push(
      await findingOf('privileges', `${pair.alternate} may do what ${username} may`, () =>
        requireSameRights(admin, { other: username, next: pair.alternate }, account, context),
      ),
    );
  return findings;
}

async function isThere(admin: SqlServerSession, username: string, account: Account): Promise<boolean> {
  if (account.kind === 'contained user') return (await findUser(admin, username)) !== undefined;
  return whereLoginsAre(admin, account, async (there) => (await findLogin(there, username)) !== undefined);
}
