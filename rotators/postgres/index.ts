export { postgresAlternatingUsers } from './alternating-users.ts';
export type { AlternatingCredential, PostgresCredential } from './credential.ts';
export type { PostgresOptions, PostgresSession } from './session.ts';
export { postgres } from './single-user.ts';
