export { sqlServerAlternatingUsers } from './alternating-users.ts';
export type { AlternatingCredential, SqlServerCredential } from './credential.ts';
export type { SqlServerOptions, SqlServerSession } from './session.ts';
export { sqlServer } from './single-user.ts';
