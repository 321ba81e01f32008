import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { missing } from '../../src/rotator/index.ts';

/** Postgres's own default, and what AWS's engines use. */
export const defaultIterations = 4096;

/** More would keep the function busy for a second, and whoever owns a database can ask for two billion. */
export const mostIterations = 1_000_000;

/** What a server keeps of a password: a SCRAM verifier, or an MD5 hash. */
export type Storage =
  | { readonly encryption: 'scram-sha-256'; readonly iterations: number }
  | { readonly encryption: 'md5' };

/**
 * What the server would store for a password. Sent instead of it, the password itself never reaches the server,
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
  const salted = await promisify(pbkdf2)(await normalize(password), salt, iterations, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}

/** SASLprep, and the password as it is where that forbids it: as in the server's pg_be_scram_build_secret. */
async function normalize(password: string): Promise<string> {
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const { default: saslprep } = await import('@mongodb-js/saslprep').catch(missing('@mongodb-js/saslprep'));
  try {
    return saslprep(password, { allowUnassigned: true });
  } catch {
    return password;
  }
}
