export { postgresAlternatingUsers } from './alternating-users.ts';
export type { PostgresOptions } from './connector.ts';
export type { AlternatingCredential, PostgresCredential } from './credential.ts';
export type { PostgresSession } from './session.ts';
export { postgres } from './single-user.ts';
