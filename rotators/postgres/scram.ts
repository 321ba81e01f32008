import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { AdapterError, missing } from '../../src/rotator/index.ts';

/**
 * The most iterations that Keyturn computes. More would keep the function busy for over a second, and the owner of a
 * database can ask for two billion.
 */
export const mostIterations = 1_000_000;

/** The one mechanism that Keyturn uses. It has no channel binding, as the driver's own logins have none. */
export const scramMechanism = 'SCRAM-SHA-256';

/**
 * What SCRAM makes of a password. The server keeps the last two.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5802#section-3
 */
export interface ScramKeys {
  readonly clientKey: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/**
 * The keys that were made last. The login that proves a new password needs the keys that were made to set it. Making them
 * again would take milliseconds, in which no reader of the secret can log in.
 */
let latest: { readonly of: string; readonly keys: Promise<ScramKeys> } | undefined;

/** Makes the keys of a password. @param salt any bytes @param iterations how often the password is hashed */
export function scramKeys(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
  const of = JSON.stringify([password, salt.toString('base64'), iterations]);
  if (latest?.of !== of) latest = { of, keys: derive(password, salt, iterations) };
  return latest.keys;
}

async function derive(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
  const salted = await promisify(pbkdf2)(await normalize(password), salt, iterations, 32, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  return { clientKey, storedKey, serverKey: hmac(salted, 'Server Key') };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/**
 * SASLprep. If it forbids a password, the password stays as it is: the server's pg_be_scram_build_secret does the same.
 */
async function normalize(password: string): Promise<string> {
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const saslprep = await loadSaslprep();
  try {
    return saslprep(password, { allowUnassigned: true });
  } catch {
    return password;
  }
}

async function loadSaslprep() {
  try {
    return (await import('@mongodb-js/saslprep')).default;
  } catch (error) {
    return missing('@mongodb-js/saslprep')(error);
  }
}

/** One login by SCRAM, from the client's side. */
export interface ScramExchange {
  /** The client's first message. It depends on nothing that the server says. */
  readonly first: string;
  /**
   * The client's answer to the server's first message: the proof that it knows the password.
   *
   * @throws AdapterError if the message answers another exchange, or asks for more than {@link mostIterations}
   */
  answer(serverFirst: string): Promise<string>;
  /** Whether the server's last message proves that the server knows the password's verifier. */
  isServerProven(serverFinal: string): boolean;
}

/** "n,,", for no channel binding: https://www.rfc-editor.org/rfc/rfc5802#section-7 */
const header = 'n,,';

/**
 * Begins a login by SCRAM-SHA-256. Postgres takes the user from the start-up packet and ignores the one in here.
 *
 * @see https://www.postgresql.org/docs/current/sasl-authentication.html
 * @see https://www.rfc-editor.org/rfc/rfc7677
 */
export function beginScram(password: string): ScramExchange {
  const nonce = randomBytes(18).toString('base64');
  const firstBare = `n=*,r=${nonce}`;
  let expected: Buffer | undefined;
  return {
    first: header + firstBare,
    answer: async (serverFirst) => {
      const { both, salt, iterations } = parseServerFirst(serverFirst, nonce);
      const { clientKey, storedKey, serverKey } = await scramKeys(password, salt, iterations);
      const withoutProof = `c=${Buffer.from(header).toString('base64')},r=${both}`;
      const signed = [firstBare, serverFirst, withoutProof].join(',');
      const signature = hmac(storedKey, signed);
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
      expected = hmac(serverKey, signed);
      return `${withoutProof},p=${proof.toString('base64')}`;
    },
    isServerProven: (serverFinal) => {
      const [, told] = /^v=([^,]+)/.exec(serverFinal) ?? [];
      if (told === undefined || expected === undefined) return false;
      const signature = Buffer.from(told, 'base64');
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}

function parseServerFirst(
  message: string,
  nonce: string,
): { readonly both: string; readonly salt: Buffer; readonly iterations: number } {
  const [, both = '', salt = '', iterations = ''] =
    /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})(?:,|$)/.exec(message) ?? [];
  if (!both.startsWith(nonce) || both.length === nonce.length)
    throw new AdapterError('The server answered another SCRAM exchange');
  if (Number(iterations) > mostIterations)
    throw new AdapterError('The server asks for too many SCRAM iterations');
  return { both, salt: Buffer.from(salt, 'base64'), iterations: Number(iterations) };
}
