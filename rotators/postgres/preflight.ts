import type { Finding, RotatorContext } from '../../src/rotator/index.ts';
import { tlsOrPlaintext } from '../database/preflight.ts';
import { codeOf } from '../network.ts';
import type { Connector } from './connector.ts';
import type { AlternatingCredential, PostgresCredential } from './credential.ts';
import { iterationsOf, storageOf } from './password.ts';
import { quoteLiteral } from './quoting.ts';
import { mostIterations } from './scram.ts';
import { messageOf } from './server-error.ts';
import type { LoginMethod, PostgresSession } from './session.ts';
import { logsAlone } from './settings.ts';
import { type Account, describeAccount, validity } from './validity.ts';

const noPasswordAsked =
  'would be let in without a password, so that none could be proven: change the entry in pg_hba.conf (trust, peer, cert) to scram-sha-256';

function loginMethod({ login: { method } }: PostgresSession): Finding {
  return { check: 'login method', ok: true, detail: `the server asks by ${method}` };
}

async function passwordStorage(session: PostgresSession): Promise<Finding> {
  const storage = await storageOf(session, session.login);
  const wanted = Number(session.login.parameters.get('scram_iterations') ?? 0);
  const detail =
    storage.encryption === 'md5'
      ? 'the next password is stored as an MD5 hash: password_encryption is md5, and this login was not by SCRAM'
      : `the next password is stored as a SCRAM verifier of ${iterationsOf(session, session.login)} iterations`;
  const limited =
    wanted > mostIterations
      ? `; scram_iterations is ${wanted}, and Keyturn makes at most ${mostIterations}`
      : '';
  return { check: 'password storage', ok: true, detail: detail + limited };
}

async function writable(session: PostgresSession): Promise<Finding> {
  const [row] = await session.query<{ replica: boolean }>('SELECT pg_catalog.pg_is_in_recovery() AS replica');
  const ok = row?.replica !== true;
  return {
    check: 'server',
    ok,
    detail: ok ? 'takes changes' : 'is a read replica, where no password can be changed',
  };
}

/**
 * Whether the session may change passwords. Elsewhere every role may change its own; on RDS this can be reserved to
 * members of rds_password.
 */
async function mayChangePasswords(
  session: PostgresSession,
  texts: { readonly allowed: string; readonly remedy: string },
): Promise<Finding> {
  const [row] = await session.query<{ allowed: boolean }>(
    `SELECT coalesce(pg_catalog.current_setting('rds.restrict_password_commands', true), 'off') NOT IN ('on', '1')
         OR EXISTS (SELECT FROM pg_catalog.pg_roles r
              WHERE r.rolname = 'rds_password' AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')) AS allowed`,
  );
  const ok = row?.allowed === true;
  const detail = ok ? texts.allowed : `rds.restrict_password_commands is on: ${texts.remedy}`;
  return { check: 'password', ok, detail };
}

/** Since Postgres 16 CREATEROLE alone is not enough: the admin also needs the ADMIN option on the role. */
function mayChange(username: string, account: Account | undefined): Finding {
  const ok = account?.allowed === true;
  const detail = ok
    ? `may create or change ${username}`
    : `needs CREATEROLE, and the ADMIN option on ${username}`;
  return { check: 'admin rights', ok, detail };
}

/** Both users of a pair must exist. Only a clone may be missing: the first rotation creates it. */
function presence(
  { pair: { original, alternate } }: AlternatingCredential,
  account: Account | undefined,
): Finding[] {
  if (account?.exists === true || (original !== undefined && alternate !== original)) return [];
  const detail =
    original === undefined
      ? `${alternate} does not exist: create it, with the same rights`
      : `${alternate} does not exist, and by its name the secret's user is a clone of it: create it, or name both users in "alternatingusers"`;
  return [{ check: 'second user', ok: false, detail }];
}

/** What the original has that the admin could not give to the clone. */
async function resemblance(
  admin: PostgresSession,
  { pair: { original } }: AlternatingCredential,
): Promise<Finding[]> {
  if (original === undefined) return [];
  const clone = `${original}_clone`;
  // Since Postgres 15 an admin can have been granted a parameter; before, there is no such function.
  const [major = ''] = /^\d+/.exec(admin.login.parameters.get('server_version') ?? '') ?? [];
  const mayNotSet =
    Number(major) < 15 ? 'true' : "NOT pg_catalog.has_parameter_privilege(a.oid, p.name, 'SET')";
  const [row] = await admin.query<{ lacking: readonly string[]; reversed: boolean }>(
    `SELECT ARRAY(
       SELECT 'REPLICATION' WHERE o.rolreplication AND NOT coalesce(c.rolreplication, false) AND NOT a.rolsuper
          AND NOT (a.rolreplication AND pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 160000)
       UNION ALL
       SELECT 'the setting ' || p.name FROM (
         SELECT pg_catalog.split_part(setting, '=', 1) AS name, setting
           FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS setting WHERE s.setrole = o.oid) p
         LEFT JOIN pg_catalog.pg_settings g ON g.name = p.name
        WHERE NOT a.rolsuper AND coalesce(g.context, 'superuser') IN ('superuser', 'superuser-backend') AND p.name !~ ${quoteLiteral(logsAlone)}
          -- pg_settings does not show "role", which everybody may set.
          AND p.name <> 'role' AND ${mayNotSet}
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s WHERE s.setrole = c.oid AND p.setting = ANY (s.setconfig))
     ) AS lacking, coalesce(pg_catalog.pg_has_role(o.oid, c.oid, 'MEMBER'), false) AS reversed
       FROM pg_catalog.pg_roles a, pg_catalog.pg_roles o LEFT JOIN pg_catalog.pg_roles c ON c.rolname = ${quoteLiteral(clone)}
      WHERE a.rolname = session_user AND o.rolname = ${quoteLiteral(original)}`,
  );
  if (row?.reversed === true) {
    const reason = `${original} is a member of ${clone}, but the clone has to be a member of the original: REVOKE that membership`;
    return [{ check: 'clone', ok: false, detail: reason }];
  }
  const lacking = row?.lacking ?? [];
  if (lacking.length === 0) return [];
  const detail = `the admin can't give ${clone} what ${original} has: ${lacking.join(', ')}; let a superuser do it once`;
  return [{ check: 'clone', ok: false, detail }];
}

/**
 * How the server would ask the pair's other user for its password. pg_hba.conf may have an entry for only one of the two.
 * An entry for a group (`+group`) does not match a clone before the first rotation has made it a member.
 */
async function loginOfOther(
  { connector, context, admin }: Probing,
  credential: AlternatingCredential,
  second: Account | undefined,
): Promise<Finding> {
  const check = 'second login';
  const username = credential.pair.alternate;
  try {
    const method: LoginMethod = await connector.probe({ ...credential, username }, context);
    if (method === 'none') return { check, ok: false, detail: `${username} ${noPasswordAsked}` };
    return { check, ok: true, detail: `the server would ask ${username} by ${method}` };
  } catch (error) {
    if (codeOf(error) === '') throw error;
    const ok = second?.exists !== true && (await isMemberOfGroups(admin, credential.username));
    const unless = ok ? ', unless as a member of the same groups' : '';
    return { check, ok, detail: `the server would not let ${username} in${unless}: ${messageOf(error)}` };
  }
}

interface Probing {
  readonly connector: Connector;
  readonly context: RotatorContext;
  readonly admin: PostgresSession;
}

async function isMemberOfGroups(admin: PostgresSession, username: string): Promise<boolean> {
  const [row] = await admin.query<{ member: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.member
       WHERE r.rolname = ${quoteLiteral(username)}) AS member`,
  );
  return row?.member === true;
}

/** What a rotation of a single user needs. */
export async function preflightSingleUser(
  session: PostgresSession,
  { username }: PostgresCredential,
  admin: PostgresSession | undefined,
): Promise<Finding[]> {
  const account = await describeAccount(admin ?? session, username);
  const findings = [
    tlsOrPlaintext(session.encrypted),
    loginMethod(session),
    await writable(session),
    await mayChangePasswords(session, {
      allowed: 'the role may change its own',
      remedy: `grant rds_password to ${username}; an admin secret does not replace that`,
    }),
    await passwordStorage(session),
    validity(username, account),
  ];
  return admin === undefined ? findings : [...findings, mayChange(username, account)];
}

/**
 * What a rotation of alternating users needs. Whether the server takes changes is asked in the admin's session: that of
 * the user may be at a read replica.
 */
export async function preflightAlternatingUsers(
  session: PostgresSession,
  credential: AlternatingCredential,
  admin: PostgresSession | undefined,
  { connector, context }: { readonly connector: Connector; readonly context: RotatorContext },
): Promise<Finding[]> {
  const { username, pair } = credential;
  const own = [tlsOrPlaintext(session.encrypted), loginMethod(session)];
  if (admin === undefined) return own;
  const [one, other] = [await describeAccount(admin, username), await describeAccount(admin, pair.alternate)];
  return [
    ...own,
    await writable(admin),
    await mayChangePasswords(admin, {
      allowed: 'the admin may set passwords',
      remedy: 'grant rds_password to the admin',
    }),
    await passwordStorage(session),
    mayChange(username, one),
    mayChange(pair.alternate, other),
    ...presence(credential, other),
    validity(username, one),
    ...(other?.exists === true ? [validity(pair.alternate, other)] : []),
    ...(await resemblance(admin, credential)),
    await loginOfOther({ connector, context, admin }, credential, other),
  ];
}
