import type { SecretFields } from './fields.ts';

/** Reads a switch of a connection string as drivers do. Undefined for a text that is neither on nor off. */
export function readSwitch(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^(true|yes|1|on)$/i.test(value.trim())) return true;
  return /^(false|no|0|off)$/i.test(value.trim()) ? false : undefined;
}

/**
 * Reads `Encrypt` of SQL Server's drivers: true and false, the words of Microsoft.Data.SqlClient 5, and `disable` of Go's
 * driver.
 *
 * @see https://learn.microsoft.com/en-us/dotnet/api/microsoft.data.sqlclient.sqlconnectionencryptoption
 */
export function readEncrypt(value: string | undefined): boolean | undefined {
  if (value !== undefined && /^(mandatory|strict|required)$/i.test(value.trim())) return true;
  return value !== undefined && /^(optional|disabled?)$/i.test(value.trim()) ? false : readSwitch(value);
}

/** Reads `Encrypt=Strict`. It is more than true: TLS begins before the protocol's first byte (TDS 8). */
export function readStrict(value: string | undefined): 'strict' | undefined {
  return value !== undefined && /^strict$/i.test(value.trim()) ? 'strict' : undefined;
}

const modesWithTls = /^(require|required|verify[-_]?ca|verify[-_]?full|verify[-_]?identity|no-verify)$/i;

/**
 * Reads `sslmode` and the like. `allow` and `prefer` leave it open whether TLS is used. Then `ssl` stays absent.
 *
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 */
export function readSslMode(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (modesWithTls.test(value.trim())) return true;
  return /^(disable|disabled|none)$/i.test(value.trim()) ? false : undefined;
}

/** The fields that are not undefined. */
export function definedFields(fields: SecretFields): SecretFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
