import { classifier, meaningOf } from '../database/classify.ts';
import { partsOf } from '../network.ts';
import { LoginFailure } from './login-failure.ts';

/** The numbers of the errors that the server sent; empty for other errors. */
export function numbersOf(error: unknown): number[] {
  return [...partsOf(error)].flatMap((part) => {
    if (part instanceof LoginFailure) return [...part.numbers];
    const number: unknown = Reflect.get(part, 'number');
    return typeof number === 'number' ? [number] : [];
  });
}

/**
 * Numbers by which a password policy refuses a password. Those of NetValidatePasswordPolicy are: 15114 changed too
 * recently, 15115 used before, 15116 too short, 15117 too long, 15118 too simple, 15119 refused by the password filter.
 * Azure SQL has two of its own.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/security/password-policy
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors-10000-to-19999
 */
const policy = new Set([15114, 15115, 15116, 15117, 15118, 15119, 40631, 40632]);

/** Whether the server's policy refuses the new password. */
export function isPolicyRefusal(error: unknown): boolean {
  return numbersOf(error).some((number) => policy.has(number));
}

/**
 * What the server's errors mean, from Microsoft's lists. The first meaning that fits counts. 15151 is the answer for a
 * missing right and also for a principal that does not exist: the server does not tell which.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors
 * @see https://learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues
 */
const meaningOfNumbers = meaningOf([
  ['PasswordRejected', [...policy]],
  // A replica that is not the primary, and a database that somebody has set read-only.
  ['TargetReadOnly', [976, 978, 3906]],
  [
    'PermissionDenied',
    [
      229, 230, 262, 297, 300, 916, 4060, 4064, 4613, 15007, 15151, 15247, 15404, 15406, 15517, 15562,
      // Only Windows accounts are taken; a logon trigger; a DDL trigger that has undone the statement.
      18450, 18452, 17892, 3609,
      // Azure: the server's name is not part of the login, or the login may not open it.
      40531, 40532,
    ],
  ],
  // Azure's firewall: no rule, no rule for a virtual network, no public access at all.
  ['TargetUnreachable', [40615, 40914, 47073]],
  [
    'TargetBusy',
    [
      // Memory, locks, a deadlock, workers, sessions.
      701, 802, 1204, 1205, 1222, 8645, 8651, 10928, 10929, 10936, 17809, 17830, 17889, 18458, 18459, 18460,
      // Starting, stopping, paused, upgrading itself, restoring, in single-user mode.
      904, 921, 922, 924, 927, 6005, 17142, 17197, 18401, 18451, 18461,
      // A failover of an availability group.
      983, 988, 4221,
      // Azure: "try again", and a session that used too many resources.
      615, 926, 40143, 40197, 40501, 40540, 40549, 40550, 40551, 40552, 40553, 40613, 42108, 42109, 49918,
      49919, 49920,
    ],
  ],
]);

/** tedious's own codes for a connection that could not be made, or broke. */
const unreachable = /^(ESOCKET|ETIMEOUT|EINSTLOOKUP|ECLOSE|ENOTOPEN|ECONNCLOSED)$/;

/** What an error of tedious, of Node.js or of the server means. */
export const classify = classifier({
  meaning: (error) => meaningOfNumbers(numbersOf(error)),
  isUnreachable: (code) => unreachable.test(code),
});
