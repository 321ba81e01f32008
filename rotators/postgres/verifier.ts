import { createHash, randomBytes } from 'node:crypto';
import { scramKeys } from './scram.ts';

/** Postgres's own default, and what AWS's engines use. */
export const defaultIterations = 4096;

/** What a server keeps of a password: a SCRAM verifier, or an MD5 hash. */
export type Storage =
  | { readonly encryption: 'scram-sha-256'; readonly iterations: number }
  | { readonly encryption: 'md5' };

/**
 * What the server would store for a password. Keyturn sends this instead, so that the password never reaches the server,
 * its log or pg_stat_statements.
 *
 * @see https://www.postgresql.org/docs/current/catalog-pg-authid.html
 */
export async function storedPassword(password: string, username: string, storage: Storage): Promise<string> {
  if (storage.encryption === 'md5')
    return `md5${createHash('md5')
      .update(password + username)
      .digest('hex')}`;
  const { iterations } = storage;
  const salt = randomBytes(16);
  const { storedKey, serverKey } = await scramKeys(password, salt, iterations);
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey.toString('base64')}:${serverKey.toString('base64')}`;
}
