import type { KnownAccount } from './accounts.ts';
import { isRightMissing, numberOf } from './classify.ts';
import type { MysqlCredential } from './credential.ts';
import { grantStatement } from './grants.ts';
import { createInMariaDb } from './password.ts';
import { type Account, quoteAccount, quoteLiteral } from './quoting.ts';
import { type AccountRights, missingRestrictions, readRights } from './rights.ts';
import type { MysqlSession } from './session.ts';

/**
 * Makes or updates a clone that can do what the original can. It has the same hosts, TLS, limits, lock, policy, rights,
 * roles and partial revokes. Each rotation repeats this, so the clone gets new rights, and a clone made by AWS's
 * template is repaired. The original is never changed. The comparison that follows finds what the admin could not
 * grant.
 *
 * @see https://dev.mysql.com/doc/refman/8.4/en/show-grants.html
 */
export async function prepareClone(
  admin: MysqlSession,
  original: KnownAccount,
  clone: Account,
  { password }: MysqlCredential,
): Promise<void> {
  const { isMariaDb } = await admin.server();
  const name = quoteAccount(clone);
  const wanted = await readRights(admin, original);
  if (isMariaDb) {
    await createInMariaDb(admin, clone, password);
  } else {
    const kind = `WITH ${quoteLiteral(original.plugin)} BY ${quoteLiteral(password)}`;
    await admin.query(`CREATE USER IF NOT EXISTS ${name} IDENTIFIED ${kind}`);
  }
  const had = await readRights(admin, clone);
  if (wanted.attributes.settings !== had.attributes.settings)
    await admin.query(`ALTER USER ${name} ${wanted.attributes.settings}`);
  for (const statement of statementsToFollow(wanted, had, clone)) {
    try {
      await admin.query(statement);
    } catch (error) {
      // 1221, 3619: a right that can't be given to others, or that this server does not have.
      if (!isRightMissing(error) && ![1045, 1221, 3619].includes(numberOf(error))) throw error;
    }
  }
}

function statementsToFollow(wanted: AccountRights, had: AccountRights, clone: Account): string[] {
  const held = new Set(had.grants.flatMap(({ entries }) => entries));
  const asked = new Set(wanted.grants.flatMap(({ entries }) => entries));
  // To lift a partial revoke that the original does not have, grant the right that it takes away.
  const lifted = missingRestrictions(held, asked).map((entry) => {
    const right = entry.replace('the restriction ', '');
    return `GRANT ${right} TO ${quoteAccount(clone)}`;
  });
  const given = wanted.grants
    .filter(({ entries }) => entries.some((entry) => !held.has(entry)))
    .map((grant) => grantStatement(grant, clone));
  const { defaultRoles } = wanted.attributes;
  const roles =
    defaultRoles === had.attributes.defaultRoles
      ? []
      : [`ALTER USER ${quoteAccount(clone)} DEFAULT ROLE ${defaultRoles === '' ? 'NONE' : defaultRoles}`];
  return [...given, ...lifted, ...roles];
}
