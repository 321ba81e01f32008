import { requireLength } from '../database/login.ts';
import type { SqlEngine } from '../database/rotators.ts';
import { classify } from './classify.ts';
import { engines, longestUserName, type MysqlCredential, parseCredential, targetOf } from './credential.ts';
import { fitsName } from './quoting.ts';
import type { MysqlSession, Open } from './session.ts';

/** Longest password for caching_sha2_password, in bytes. New passwords are ASCII. */
const longestPassword = 255;

/** What both rotators of MySQL and MariaDB have in common. */
export function mysqlEngine(open: Open): SqlEngine<MysqlCredential, MysqlSession> {
  return {
    name: 'mysql',
    engines,
    parse: parseCredential,
    takesName: (name) => fitsName(name, longestUserName({}, undefined)),
    target: targetOf,
    newPassword: ({ password }) => requireLength(password(), longestPassword, 'MySQL'),
    open,
    classify,
  };
}
