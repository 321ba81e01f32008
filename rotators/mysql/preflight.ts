import type { Finding } from '../../src/rotator/index.ts';
import { finding, findingOf, tlsOrPlaintext } from '../database/preflight.ts';
import {
  accountMissing,
  accountsOf,
  onlyAccount,
  requireNewServer,
  requirePassword,
  requireWritable,
} from './accounts.ts';
import type { AlternatingCredential, MysqlCredential } from './credential.ts';
import { requirePasswordFirst, waysToLogIn } from './password.ts';
import { quoteAccount } from './quoting.ts';
import { mayKeepTwoPasswords, missingAdminRight, requireSameRights } from './rights.ts';
import type { MysqlSession } from './session.ts';

async function serverFindings(session: MysqlSession): Promise<Finding[]> {
  const server = await session.server();
  const { version, isMariaDb } = server;
  return [
    tlsOrPlaintext(session.encrypted),
    await findingOf('server', `is ${isMariaDb ? 'MariaDB' : 'MySQL'} ${version}`, async () =>
      requireNewServer(server),
    ),
    await findingOf('changes', 'the server takes changes', async () => requireWritable(server)),
  ];
}

/** Which of the three ways a rotation takes. All are allowed; the last one has a gap. */
async function overlap(session: MysqlSession, admin: MysqlSession | undefined): Promise<Finding[]> {
  const check = 'old password';
  const { isMariaDb, account } = await session.server();
  const ways = async (look: () => Promise<unknown>): Promise<Finding[]> => {
    if (!isMariaDb) return [];
    return [await findingOf('ways to log in', 'the password can be set', async () => void (await look()))];
  };
  const kept = async (by: string): Promise<Finding[]> => [
    finding(check, `goes on working until the next rotation: the ${by} the server keep two`),
    ...(await ways(() => waysToLogIn(session, account))),
  ];
  if (await mayKeepTwoPasswords(session)) return kept('user may have');
  if (admin !== undefined && (await missingAdminRight(admin)) === undefined) return kept('admin has');
  const grant = isMariaDb
    ? 'name an admin secret'
    : `GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO ${quoteAccount(account)}`;
  return [
    finding(check, `ends with the change, and AWSCURRENT moves at once; to keep it: ${grant}`),
    ...(await ways(() => requirePasswordFirst(session))),
  ];
}

/** What a rotation of a single user needs. */
export async function preflightSingleUser(
  session: MysqlSession,
  { username }: MysqlCredential,
  admin: MysqlSession | undefined,
): Promise<Finding[]> {
  const findings = [...(await serverFindings(session)), ...(await overlap(session, admin))];
  if (admin === undefined) return findings;
  const rights = finding('admin rights', `may change ${username}`, await missingAdminRight(admin));
  if (!rights.ok) return [...findings, rights];
  const account = findingOf('account', 'has a password', async () =>
    requirePassword(await onlyAccount(admin, username)),
  );
  return [...findings, rights, await account];
}

/** What a rotation of alternating users needs. The secret may name a read replica of the admin's server. */
export async function preflightAlternatingUsers(
  session: MysqlSession,
  { username, pair: { original, alternate } }: AlternatingCredential,
  admin: MysqlSession | undefined,
): Promise<Finding[]> {
  if (admin === undefined) return serverFindings(session);
  const findings = await serverFindings(admin);
  const rights = finding('admin rights', `may change ${alternate}`, await missingAdminRight(admin));
  if (!rights.ok) return [...findings, rights];
  const { account } = await session.server();
  const other = { user: alternate, host: account.host };
  const check = findingOf('other user', 'can stand in for the first', async () => {
    const known = await accountsOf(admin, alternate);
    const [found] = known;
    const isClone = original !== undefined && alternate !== original;
    if (found === undefined) {
      // The rotation will make the clone.
      if (isClone) return;
      throw accountMissing(alternate, account.host);
    }
    requirePassword(await onlyAccount(admin, alternate));
    if (found.host !== account.host) throw accountMissing(alternate, account.host);
    if (!isClone) await requireSameRights(admin, { user: username, host: account.host }, other);
  });
  return [...findings, rights, await check];
}
