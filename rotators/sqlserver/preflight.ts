import type { Finding } from '../../src/rotator/index.ts';
import { findAccount, findLogin } from './account.ts';
import type { AlternatingCredential } from './alternating-users.ts';
import { adminRightsStatement, updateableStatement } from './catalogue.ts';
import type { SqlServerCredential } from './credential.ts';
import type { SqlServerSession } from './session.ts';

function encryption(session: SqlServerSession): Finding {
  return { check: 'encryption', ok: true, detail: session.encryption };
}

async function account(session: SqlServerSession, username: string): Promise<Finding> {
  const { kind, isAzure, database } = await findAccount(session, username);
  const misplaced = kind === 'login' && isAzure && database !== 'master';
  const detail = misplaced
    ? 'a login of Azure SQL Database is changed in master: set "dbname" to it'
    : `is a ${kind}`;
  return { check: 'account', ok: !misplaced, detail };
}

/** Logins are kept in master, which is never a replica; users of a contained database are in their database. */
async function writable(session: SqlServerSession, username: string): Promise<Finding[]> {
  const { kind } = await findAccount(session, username);
  if (kind === 'login') return [];
  const [row] = await session.query<{ updateability: string | null }>(updateableStatement);
  const ok = row?.updateability === 'READ_WRITE';
  return [
    {
      check: 'database',
      ok,
      detail: ok ? 'takes changes' : 'is read-only, where no password can be changed',
    },
  ];
}

/** To change the password of a sysadmin, or of who has CONTROL SERVER, an admin needs CONTROL SERVER too. */
async function mayChange(admin: SqlServerSession, username: string): Promise<Finding> {
  const { kind } = await findAccount(admin, username);
  const [row] = await admin.query<{ server: number | null; database: number | null }>(adminRightsStatement);
  const ok = (kind === 'login' ? row?.server : row?.database) === 1;
  const needed = kind === 'login' ? 'ALTER ANY LOGIN' : 'ALTER ANY USER';
  const detail = ok ? `may create or change ${username}` : `needs ${needed}`;
  return { check: 'admin rights', ok, detail };
}

/** What a rotation of a single user needs. */
export async function preflightSingleUser(
  session: SqlServerSession,
  { username }: SqlServerCredential,
  admin: SqlServerSession | undefined,
): Promise<Finding[]> {
  const findings = [
    encryption(session),
    await account(session, username),
    ...(await writable(session, username)),
  ];
  return admin === undefined ? findings : [...findings, await mayChange(admin, username)];
}

/** What a rotation of alternating users needs. */
export async function preflightAlternatingUsers(
  session: SqlServerSession,
  { username, pair }: AlternatingCredential,
  admin: SqlServerSession | undefined,
): Promise<Finding[]> {
  const findings = [encryption(session), ...(await writable(session, username))];
  if (admin === undefined) return findings;
  const { kind, isAzure } = await findAccount(admin, username);
  if (kind === 'login' && isAzure)
    findings.push({
      check: 'account',
      ok: false,
      detail: 'Azure SQL Database needs users with passwords of their own',
    });
  const other =
    pair.original === undefined && kind === 'login' ? await findLogin(admin, pair.alternate) : undefined;
  if (pair.original === undefined && kind === 'login')
    findings.push({
      check: 'other user',
      ok: other !== undefined,
      detail: other ? 'exists' : `no login ${pair.alternate}`,
    });
  return [...findings, await mayChange(admin, username)];
}
