import { accountsOf } from './accounts.ts';
import type { Account } from './quoting.ts';
import { administrativeRights, allEntries, escapedRestrictions, missingRights } from './rights.ts';
import type { MysqlSession } from './session.ts';

/**
 * The rights that the subject has and the proven account lacks, each in words for a person; see
 * `ChangingRotator.excessRights`. If a name exists for several hosts, the subject counts with the rights of any of them,
 * and the proven account with the rights that all of them have.
 *
 * @throws PermissionDenied if the admin may not look
 */
export async function excessRights(
  admin: MysqlSession,
  subject: string,
  proven: string | undefined,
): Promise<readonly string[]> {
  const subjects = await entriesOf(admin, await accountsOf(admin, subject));
  const more = new Set(subjects.flatMap((entries) => [...entries]));
  if (proven === undefined) return administrativeRights(more);
  const [first = new Set<string>(), ...others] = await entriesOf(admin, await accountsOf(admin, proven));
  const less = new Set([...first].filter((entry) => others.every((entries) => entries.has(entry))));
  // If a partial revoke limits only the proven account, the subject has more rights.
  const unrestricted = escapedRestrictions(less, more);
  return [...missingRights(more, less), ...unrestricted];
}

function entriesOf(
  admin: MysqlSession,
  accounts: readonly Account[],
): Promise<readonly ReadonlySet<string>[]> {
  return accounts.reduce<Promise<ReadonlySet<string>[]>>(
    async (found, account) => [...(await found), await allEntries(admin, account)],
    Promise.resolve([]),
  );
}
