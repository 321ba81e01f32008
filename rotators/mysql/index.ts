export { mysqlAlternatingUsers } from './alternating-users.ts';
export type { AlternatingCredential, MysqlCredential } from './credential.ts';
export type { MysqlSession } from './session.ts';
export { type MysqlOptions, mysql } from './single-user.ts';
