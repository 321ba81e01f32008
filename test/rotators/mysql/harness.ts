import { randomBytes } from 'node:crypto';
import type { RotatorHarness, TestAccount } from '../../../src/testing/index.ts';
import type { MysqlServer } from '../../support/mysql-server.ts';
import makeRotator from './rotator.ts';

/**
 * Who makes the server keep two passwords: the user itself, the admin, or nobody. Or two users take turns, and an admin
 * changes them.
 */
export type Way = 'own right' | 'admin' | 'nobody' | 'alternating';

/** The modes of a server. At MariaDB, a user can't have the right to do it itself. */
export const waysOf: Readonly<Record<MysqlServer['flavour'], readonly Way[]>> = {
  mysql: ['own right', 'admin', 'nobody', 'alternating'],
  mariadb: ['admin', 'nobody', 'alternating'],
};

/** Users at a MySQL or MariaDB: one for each account, and its clone where two take turns. */
export function mysqlHarness({ flavour, host, port, admin, ca, run }: MysqlServer, way: Way): RotatorHarness {
  const settings = { kind: way === 'alternating' ? 'alternating' : 'single', ca } as const;
  const secretOf = (login: { readonly username: string; readonly password: string }) => ({
    engine: flavour,
    host,
    port,
    ...login,
  });

  const account = async (): Promise<TestAccount> => {
    const username = `it's "${randomBytes(5).toString('hex')}\``;
    const password = `Aa1-${randomBytes(15).toString('base64url')}`;
    await run("CREATE USER ?@'%' IDENTIFIED BY ?", [username, password]);
    if (way === 'own right') await run("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO ?@'%'", [username]);
    return {
      secret: secretOf({ username, password }),
      tags: { 'keyturn:rotator': way === 'alternating' ? 'mysql-alternating-users' : 'mysql' },
      ...(way === 'admin' || way === 'alternating' ? { admin: secretOf(admin) } : {}),
      digest: async () => {
        const names = [username, `${username}_clone`];
        const table =
          flavour === 'mysql'
            ? 'SELECT User, Host, HEX(authentication_string), HEX(User_attributes), account_locked FROM mysql.user WHERE User IN (?)'
            : 'SELECT User, Host, Priv FROM mysql.global_priv WHERE User IN (?)';
        return JSON.stringify(await run(`${table} ORDER BY User, Host`, [names]));
      },
    };
  };

  return {
    rotator: makeRotator(settings),
    overlap: way === 'nobody' ? 'none' : 'until-next-rotation',
    account,
    busy: () => Object.assign(new Error('Too many connections'), { errno: 1040, code: 'ER_CON_COUNT_ERROR' }),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings },
  };
}
