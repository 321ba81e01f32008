import type { SecretFields } from './fields.ts';

/** A switch of a connection string, as drivers read it; undefined for what is neither on nor off. */
export function readSwitch(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^(true|yes|1|on)$/i.test(value.trim())) return true;
  return /^(false|no|0|off)$/i.test(value.trim()) ? false : undefined;
}

/**
 * `Encrypt` of SQL Server's drivers: besides true and false, the words of
 * Microsoft.Data.SqlClient 5, and `disable` of Go's driver.
 *
 * @see https://learn.microsoft.com/en-us/dotnet/api/microsoft.data.sqlclient.sqlconnectionencryptoption
 */
export function readEncrypt(value: string | undefined): boolean | undefined {
  if (value !== undefined && /^(mandatory|strict|required)$/i.test(value.trim())) return true;
  return value !== undefined && /^(optional|disabled?)$/i.test(value.trim()) ? false : readSwitch(value);
}

/** `Encrypt=Strict`, which is more than true: TLS before the first byte of the protocol (TDS 8). */
export function readStrict(value: string | undefined): 'strict' | undefined {
  return value !== undefined && /^strict$/i.test(value.trim()) ? 'strict' : undefined;
}

const modesWithTls = /^(require|required|verify[-_]?ca|verify[-_]?full|verify[-_]?identity|no-verify)$/i;

/**
 * `sslmode` and its kin. `allow` and `prefer` leave it open, and so does Keyturn: its `ssl` is absent then.
 *
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 */
export function readSslMode(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (modesWithTls.test(value.trim())) return true;
  return /^(disable|disabled|none)$/i.test(value.trim()) ? false : undefined;
}

/** The fields without those that are undefined. */
export function definedFields(fields: SecretFields): SecretFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
