import { randomBytes } from 'node:crypto';
import { KeyturnError, type RotatorContext } from '../../src/rotator/index.ts';
import { setOnce } from '../database/change.ts';
import { type Account, findLogin, setOwnPassword, setPasswordOf } from './account.ts';
import { serverStatement } from './catalogue.ts';
import { isPolicyRefusal } from './classify.ts';
import { endpointOf, type Place, type SqlServerCredential } from './credential.ts';
import { connect, connectToSecondary, type SqlServerOptions, type SqlServerSession } from './session.ts';

/**
 * The replicas that a change has to reach. An admin's password goes only to replicas that the admin secret lists too:
 * whoever uses a secret may be able to write its value, and list a server of their own.
 *
 * @throws AdminServerDiffers
 */
function replicasOf({
  pending,
  using,
}: Pick<Change<SqlServerCredential>, 'pending' | 'using'>): readonly Place[] {
  const { replicas = [] } = pending;
  if (using.username === pending.username) return replicas;
  const known = new Set((using.replicas ?? []).map(endpointOf));
  const unknown = replicas.map(endpointOf).filter((name) => !known.has(name));
  if (unknown.length === 0) return replicas;
  throw new KeyturnError(
    'AdminServerDiffers',
    `The secret lists the replica ${unknown.join(', ')}, and its admin secret does not.`,
    'No password was sent there. List the same servers in "replicas" of the admin secret.',
    { field: 'replicas' },
  );
}

/** Who asks for a change, and of what. */
interface Change<Credential extends SqlServerCredential> {
  readonly pending: Credential;
  readonly using: SqlServerCredential;
  readonly options: SqlServerOptions;
  readonly context: RotatorContext;
}

function at<Credential extends SqlServerCredential>(credential: Credential, place: Place): Credential {
  return { ...credential, ...place, database: 'master', failoverPartner: undefined };
}

/**
 * Sets a login's password on the replicas that the secret lists. This comes before the primary: if it fails, the next try
 * can repeat it, since the primary still accepts the old password. The users of a contained database need none of this:
 * they are replicated with the database.
 *
 * @throws AdminServerDiffers, NoCredentialAccepted if a replica refuses both passwords
 * @see https://learn.microsoft.com/sql/database-engine/availability-groups/windows/logins-and-jobs-for-availability-group-databases
 */
export async function setOnReplicas(account: Account, change: Change<SqlServerCredential>): Promise<void> {
  if (account.kind !== 'login') return;
  const { pending, using, options, context } = change;
  for (const place of replicasOf(change)) {
    const session = await connect(at(using, place), options, context);
    if (session === undefined) {
      await requireAccepted(at(pending, place), place, options, context);
      continue;
    }
    try {
      if (using.username === pending.username) await setOwnPassword(session, pending, using, account);
      else
        await setOnce(
          () => setPasswordOf(session, pending, account),
          isPolicyRefusal,
          () => connect(at(pending, place), options, context),
        );
    } finally {
      await session.close();
    }
  }
}

/** Accepts a replica that refuses the old password if it takes the new one: an earlier try may have set it. */
async function requireAccepted(
  pending: SqlServerCredential,
  place: Place,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<void> {
  const session = await connect(pending, options, context);
  await session?.close();
  if (session === undefined) throw refusedThere(place, pending.username);
}

/** Visits the replicas as the admin, if two users take turns. @throws AdminServerDiffers, AdminRefused */
export async function eachReplica(
  change: Change<SqlServerCredential>,
  visit: (session: SqlServerSession, name: string, pending: SqlServerCredential) => Promise<void>,
): Promise<void> {
  const { pending, using, options, context } = change;
  for (const place of replicasOf(change)) {
    const session = await connect(at(using, place), options, context);
    if (session === undefined)
      throw new KeyturnError(
        'AdminRefused',
        `The replica ${endpointOf(place)} refuses the credential of the admin secret.`,
        'Make the same admin there, or take the replica out of "replicas", and rotate again.',
      );
    try {
      await visit(session, endpointOf(place), at(pending, place));
    } finally {
      await session.close();
    }
  }
}

/**
 * The SID that a login has, or is to have, on every replica. Undefined if the secret lists no replicas.
 *
 * @throws PermissionDenied if two servers have different ones: the users of the databases belong to only one of them
 */
export async function commonSid(
  primary: SqlServerSession,
  change: Change<SqlServerCredential>,
): Promise<string | undefined> {
  if ((change.pending.replicas ?? []).length === 0) return undefined;
  const { username } = change.pending;
  let sid = (await findLogin(primary, username))?.sid;
  await eachReplica(change, async (session, name) => {
    const found = (await findLogin(session, username))?.sid;
    if (sid !== undefined && found !== undefined && found !== sid) throw anotherSid(username, name, sid);
    sid ??= found;
  });
  return sid ?? `0x${randomBytes(16).toString('hex').toUpperCase()}`;
}

/**
 * Makes sure that the password reaches the server at which an application with `ApplicationIntent=ReadOnly` logs in. A
 * listener may lead the application to a secondary. A secondary has logins of its own, unless the availability group is
 * contained.
 *
 * @throws TargetReadOnly if the listener leads to a secondary and the secret does not list "replicas"
 */
export async function requireReplicas(
  primary: SqlServerSession,
  { kind, isAzure }: Account,
  current: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<void> {
  if (!current.readOnlyIntent || current.replicas !== undefined || kind !== 'login' || isAzure) return;
  const secondary = await connectToSecondary(current, options, context);
  if (secondary === undefined) return;
  try {
    const [own, other] = [await nameOf(primary), await nameOf(secondary)];
    if (own !== other) throw withoutReplicas(other);
  } finally {
    await secondary.close();
  }
}

async function nameOf(session: SqlServerSession): Promise<string> {
  const [row] = await session.query<{ server: string | null }>(serverStatement);
  return row?.server ?? '';
}

function withoutReplicas(name: string): KeyturnError {
  return new KeyturnError(
    'TargetReadOnly',
    `The secret says ApplicationIntent=ReadOnly, which leads to ${name}. That server has logins of its own, and a change at the primary does not reach them.`,
    `Nothing was changed. List the secondaries in "replicas" of the secret, or write "replicas": [] if the availability group is contained. Or use a user of a contained database.`,
    { field: 'replicas' },
  );
}

/**
 * Checks that the login has the same password and SID on every replica that the secret lists.
 *
 * @throws NoCredentialAccepted, PermissionDenied
 */
export async function requireReplicasReached(
  primary: SqlServerSession,
  credential: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<void> {
  const { username } = credential;
  const own = await findLogin(primary, username);
  for (const place of credential.replicas ?? []) {
    const session = await connect(at(credential, place), options, context);
    if (session === undefined) throw refusedThere(place, username);
    try {
      const there = await findLogin(session, username);
      if (own !== undefined && there !== undefined && own.sid !== there.sid)
        throw anotherSid(username, endpointOf(place), own.sid);
    } finally {
      await session.close();
    }
  }
}

function refusedThere(place: Place, username: string): KeyturnError {
  return new KeyturnError(
    'NoCredentialAccepted',
    `The replica ${endpointOf(place)} refuses ${username}, with the old password and with the new one.`,
    'Set the password of AWSCURRENT there, or take the replica out of "replicas", and rotate again.',
  );
}

function anotherSid(username: string, place: string, sid: string): KeyturnError {
  return new KeyturnError(
    'PermissionDenied',
    `The login ${username} has another SID on ${place} than on the other servers, so it is another user in the databases.`,
    `Drop it there, create it with SID = ${sid}, and rotate again.`,
  );
}
