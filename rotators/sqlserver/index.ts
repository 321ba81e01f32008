export { type AlternatingCredential, sqlServerAlternatingUsers } from './alternating-users.ts';
export type { SqlServerCredential } from './credential.ts';
export type { SqlServerOptions, SqlServerSession } from './session.ts';
export { sqlServer } from './single-user.ts';
