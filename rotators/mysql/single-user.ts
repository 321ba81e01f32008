import type { ChangingRotator, Revocation } from '../../src/rotator/index.ts';
import type { ConnectionOptions } from '../database/connection.ts';
import { singleUser } from '../database/rotators.ts';
import { onlyAccount, requireNewServer, requirePassword, requireWritable } from './accounts.ts';
import { isExpired } from './classify.ts';
import type { MysqlCredential } from './credential.ts';
import { mysqlEngine } from './engine.ts';
import { excessRights } from './excess.ts';
import { changeOwnPassword, endOldPassword, setPasswordOf } from './password.ts';
import { preflightSingleUser } from './preflight.ts';
import { createOpen, type MysqlSession, type Open } from './session.ts';

/** How the function connects to MySQL and MariaDB, for all secrets. */
export interface MysqlOptions extends ConnectionOptions {
  /**
   * The most characters in the names of two users that take turns: AWS's USERNAME_CHARACTER_LIMIT. Default: 80 if the
   * secret's `engine` is mariadb, otherwise 32.
   */
  readonly usernameCharacterLimit?: number;
  /** When the old password ends. Default: `on-next-rotation`. */
  readonly revocation?: Revocation;
}

/**
 * Rotates the password of one user of MySQL or MariaDB. Both passwords work until the next rotation, if somebody has
 * the right to keep two. Drop-in for AWS's SecretsManagerRDSMySQLRotationSingleUser and
 * SecretsManagerRDSMariaDBRotationSingleUser.
 *
 * @param options how the function connects, and when the old password ends; default: verified TLS only, and
 *   `on-next-rotation`
 */
export function mysql(options: MysqlOptions = {}): ChangingRotator<MysqlCredential, MysqlSession> {
  const open = createOpen(options);
  return singleUser(mysqlEngine(open), {
    overlap: 'found-out',
    revocation: options.revocation ?? 'on-next-rotation',
    endReplaced: endOldPassword,
    open: openUnlessExpired(open),
    change: async (session, pending, context) => {
      const server = await session.server();
      requireNewServer(server);
      requireWritable(server);
      if (context.using.username === pending.username)
        return changeOwnPassword(session, { pending, context, open });
      // An admin sets a lost password.
      const account = await onlyAccount(session, pending.username);
      requirePassword(account);
      await setPasswordOf(session, account, pending, { open, context });
    },
    verify: async (session) => {
      await session.server();
    },
    excessRights: (admin, subject, proven) => excessRights(admin, subject.username, proven?.username),
    preflight: (session, credential, admin) => preflightSingleUser(session, credential, admin),
  });
}

/**
 * An expired password counts as refused. Then the admin of the admin secret, if there is one, sets the pending
 * password, which is not expired.
 */
function openUnlessExpired(open: Open): Open {
  return async (credential, context) => {
    try {
      return await open(credential, context);
    } catch (error) {
      if (!isExpired(error)) throw error;
      context.note(
        `The password of "${credential.username}" has expired. An admin secret (masterarn, KEYTURN_ADMIN_SECRET_ARN) would lift that by itself.`,
      );
      return undefined;
    }
  };
}
