import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import mysql from 'mysql2/promise';
import { mysql as mysqlRotator } from '../../../rotators/mysql/index.ts';
import {
  type Flavour,
  type MysqlServer,
  missingServer,
  startMysql,
} from '../../../test/support/mysql-server.ts';
import type { Logins } from '../counting.ts';
import {
  type Login,
  playTwoPasswords,
  type TwoPasswordsOutcome,
  type TwoPasswordsSurroundings,
} from '../two-passwords.ts';

/** @param missing why there is no such server. @throws Error with one line that says what to install */
export function findServer(missing: (flavour: Flavour) => string | undefined = missingServer): Flavour {
  const [found] = (['mysql', 'mariadb'] as const).filter((flavour) => missing(flavour) === undefined);
  if (found !== undefined) return found;
  throw new Error(
    'There is no MySQL or MariaDB: install mariadb-server, or name the script that .ci/mysql prints in KEYTURN_TEST_MYSQLD.',
  );
}

/** Rotates a user of MySQL. If there is no MySQL, it rotates a user of MariaDB. */
export async function playMysql(surroundings: TwoPasswordsSurroundings): Promise<TwoPasswordsOutcome> {
  const flavour = findServer();
  // The general log has each session's statements, so it shows the function's logins.
  const server = await startMysql(flavour, ['--general-log=1', '--general-log-file=GENERAL_LOG']);
  surroundings.resources.defer(() => server.stop());
  const { host, port, admin } = server;
  const login = await createLogin(server);
  const place = { engine: flavour, host, port };
  return playTwoPasswords(
    {
      name: flavour,
      place: `${host}:${port}`,
      rotator: mysqlRotator({ ca: () => server.ca }),
      login,
      storeSecrets: async (store, name) => {
        const tags = { 'keyturn:rotator': 'mysql' };
        if (flavour === 'mysql') return store(name, { ...place, ...login }, tags);
        const adminArn = await store('prod/admin', { ...place, ...admin });
        return store(name, { ...place, ...login }, { ...tags, 'keyturn:admin': adminArn });
      },
      loginsSeen: () => loginsOf(server, login.username),
      accepts: (each) => opens(server, each),
    },
    surroundings,
  );
}

/** In MySQL the user needs a right to keep two passwords. In MariaDB an admin does it. */
async function createLogin({ run, flavour }: MysqlServer): Promise<Login> {
  const login = { username: 'shop', password: `Aa1-${randomBytes(15).toString('base64url')}` };
  await run("CREATE USER ?@'%' IDENTIFIED BY ?", [login.username, login.password]);
  if (flavour === 'mysql') await run("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO ?@'%'", [login.username]);
  return login;
}

async function opens({ host, port, ca }: MysqlServer, { username, password }: Login): Promise<boolean> {
  try {
    const connection = await mysql.createConnection({ host, port, user: username, password, ssl: { ca } });
    await connection.end();
    return true;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'errno') === 1045) return false;
    throw error;
  }
}

/**
 * Counts logins in the server's two logs. The function's accepted logins are counted by their first statement, which is the
 * same in each session. Refused logins are counted for everybody: each is a line of the error log.
 */
function loginsOf({ generalLog, logFile }: MysqlServer, username: string): Logins {
  const statements = readFileSync(generalLog, 'utf8');
  const errors = readFileSync(logFile, 'utf8');
  return {
    logins: statements.match(/SET NAMES utf8mb4, SESSION sql_mode/g)?.length ?? 0,
    refusedLogins: errors.match(new RegExp(`Access denied for user '${username}'`, 'g'))?.length ?? 0,
  };
}
