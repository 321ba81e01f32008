import type { KeyturnError } from '../errors.ts';
import { refused } from './form.ts';

const off = /^(|false|no|0|off)$/i;

type Rule = (value: string) => boolean;
const isOn: Rule = (value) => !off.test(value);

/**
 * Settings that make drivers log in by Windows, Kerberos, Entra ID or IAM. A user and a password beside them are not used, or
 * belong to that directory and not to the database.
 *
 * @see https://learn.microsoft.com/sql/connect/ado-net/sql/azure-active-directory-authentication
 * @see https://learn.microsoft.com/sql/connect/odbc/dsn-connection-string-attribute
 * @see https://learn.microsoft.com/sql/connect/jdbc/setting-the-connection-properties
 * @see https://github.com/microsoft/go-mssqldb#azure-active-directory-authentication
 * @see https://github.com/aws/aws-advanced-jdbc-wrapper/blob/main/docs/using-the-jdbc-driver/UsingTheJdbcDriver.md
 */
const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['trustedconnection', isOn],
  ['integratedsecurity', isOn],
  ['authentication', (value) => /^(active\s?directory|azure|ntlm|kerberos|windows|integrated)/i.test(value)],
  ['fedauth', (value) => value !== ''],
  ['authenticator', (value) => /^(krb5|ntlm|winsspi)$/i.test(value)],
  // Drivers read it only together with integratedSecurity.
  ['authenticationscheme', (value) => /^(ntlm|javakerberos)$/i.test(value)],
  ['accesstoken', (value) => value !== ''],
  ['accesstokencallbackclass', (value) => value !== ''],
  // jdbc:redshift:iam://
  ['scheme:iam', (value) => value !== ''],
  ['wrapperplugins', (value) => /(^|,)\s*(iam|awsSecretsManager|federatedAuth|okta)\d?\s*(,|$)/i.test(value)],
]);

/**
 * The refusal of settings that log in by other means than user and password. Undefined if there are none.
 *
 * @param settings names and values. If a name is there twice, the later one counts.
 */
export function otherLogin(settings: readonly (readonly [string, unknown])[]): KeyturnError | undefined {
  const values = new Map<string, readonly [string, unknown]>();
  for (const setting of settings) values.set(setting[0].toLowerCase().replace(/[\s_-]/g, ''), setting);
  for (const [name, rule] of rules) {
    const [written, value] = values.get(name) ?? [];
    if (written === undefined || value === undefined || value === null || !rule(String(value).trim()))
      continue;
    return refused(
      written,
      `The secret's "${written}" asks for a login that is not by its user and password.`,
      `Take "${written}" out, or don't rotate this secret: its password is not what logs in.`,
    );
  }
  return undefined;
}
