import { accountsOf } from './accounts.ts';
import type { Account } from './quoting.ts';
import { administrativeRights, allEntries, missingRestrictions, missingRights } from './rights.ts';
import type { MysqlSession } from './session.ts';

/** Most rights that are named. */
const mostNamed = 20;

/**
 * What the subject may do and the proven account may not, each in a person's words; see `Rotator.excessRights`. A name that
 * exists for several hosts may do whatever one of them may; the proven one may do what all of them may.
 */
export async function excessRights(
  admin: MysqlSession,
  subject: string,
  proven: string | undefined,
): Promise<readonly string[]> {
  const subjects = await entriesOf(admin, await accountsOf(admin, subject));
  const more = new Set(subjects.flatMap((entries) => [...entries]));
  if (proven === undefined) return administrativeRights(more).slice(0, mostNamed);
  const [first = new Set<string>(), ...others] = await entriesOf(admin, await accountsOf(admin, proven));
  const less = new Set([...first].filter((entry) => others.every((entries) => entries.has(entry))));
  // What is taken from the proven account and not from the subject is a right of the subject too.
  const unrestricted = missingRestrictions(less, more);
  return [...missingRights(more, less), ...unrestricted].slice(0, mostNamed);
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
