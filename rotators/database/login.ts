import { isIPv6 } from 'node:net';
import {
  contradictoryField,
  KeyturnError,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
} from '../../src/rotator/index.ts';

/** What every login to a database has, besides the server's address. */
export interface DatabaseLogin {
  /** The user that logs in. */
  readonly username: string;
  /** The user's password. */
  readonly password: string;
  /** `true`: verified TLS or nothing. `false`: as the engine's page says. Absent: verified TLS, unless plaintext is allowed. */
  readonly ssl: boolean | undefined;
  /** The name to expect in the server's certificate, if it is not the host's. */
  readonly serverName: string | undefined;
}

/** A rule for a field, and what is wrong with a value that breaks it, in words that follow the field's name. */
export interface Rule {
  /** Whether a value keeps the rule. */
  fits(value: string): boolean;
  /** Such as `holds a control character`. */
  readonly problem: string;
}

/** The value, if it keeps the rules. @throws InvalidSecretField */
export function checked(field: string, value: string, ...rules: readonly Rule[]): string {
  for (const { fits, problem } of rules) if (!fits(value)) throw contradictoryField(field, problem);
  return value;
}

/** Refuses a NUL. Protocols that end texts with a NUL would read the rest as something else. */
export const wholeText: Rule = {
  fits: (value) => !value.includes('\0') && value.isWellFormed(),
  problem: 'holds a NUL or half a character',
};

/** Refuses invisible characters in a name: one account must not look like another. */
export const visibleName: Rule = {
  fits: (name) => name !== '' && wholeText.fits(name) && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name),
  problem: 'holds a control character',
};

/**
 * The name or the address of a host, and nothing else. A driver takes a text that starts with a slash for a socket of
 * the machine, and that server may trust everybody.
 */
export const hostName: Rule = {
  fits: (host) => host.isWellFormed() && /^[^\s/\\@?#,\p{Cc}]+$/u.test(host),
  problem: 'is no name or address of a host',
};

/**
 * Refuses a secret of another engine. A secret without `engine` passes.
 *
 * @param engines the names of this engine
 * @param isAnother whether a further name is accepted too
 * @throws InvalidSecretField
 */
export function requireEngine(
  fields: SecretFields,
  engines: readonly string[],
  isAnother: (engine: string) => boolean = () => false,
): void {
  const engine = optionalText(fields, 'engine');
  if (engine !== undefined && !engines.includes(engine) && !isAnother(engine))
    throw contradictoryField('engine', `is not ${engines.join(' or ')}`);
}

/**
 * Reads what every secret of AWS's structure has.
 *
 * @param rules what the engine demands of a user name and of a password
 * @throws InvalidSecretField
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 */
export function parseLogin(
  fields: SecretFields,
  rules: { readonly username: readonly Rule[]; readonly password: readonly Rule[] },
): DatabaseLogin {
  return {
    username: checked('username', requireText(fields, 'username'), ...rules.username),
    password: checked('password', requireText(fields, 'password'), ...rules.password),
    ssl: optionalSsl(fields),
    serverName: optionalHostName(fields, 'sslservername'),
  };
}

/**
 * Reads one host, which may carry its port: `db`, `db:3306`, `[::1]:3306`. Brackets are for addresses of IPv6 alone.
 *
 * @param field the field that names the host, for errors
 * @throws InvalidSecretField
 */
export function parseAddress(
  field: string,
  text: string,
): { readonly host: string; readonly port: number | undefined } {
  const written = text.trim();
  const [, bracketed, afterBracket] = /^\[([^\]]*)\](?::(\d+))?$/.exec(written) ?? [];
  const [, named, afterName] = /^([^:]*):(\d+)$/.exec(written) ?? [];
  const host = checked(field, bracketed ?? named ?? written, hostName);
  const isColonAllowed = isIPv6(host.replace(/%.*$/, ''));
  if (!isColonAllowed && (bracketed !== undefined || host.includes(':')))
    throw contradictoryField(field, hostName.problem);
  const port = afterBracket ?? afterName;
  return { host, port: port === undefined ? undefined : optionalPort({ [field]: port }, field, 0) };
}

/** Reads a server's host and port, by {@link parseAddress} and the field `port`. @throws InvalidSecretField */
export function parsePlace(
  fields: SecretFields,
  defaultPort: number,
): { readonly host: string; readonly port: number } {
  const { host, port } = parseAddress('host', requireText(fields, 'host'));
  const beside = optionalPort(fields, 'port', port ?? defaultPort);
  if (port !== undefined && beside !== port) throw contradictoryField('host', 'has another port than "port"');
  return { host, port: beside };
}

/** A field that names a host, or is absent or empty. @throws InvalidSecretField */
export function optionalHostName(
  fields: SecretFields,
  field: string,
  rule: Rule = hostName,
): string | undefined {
  const name = optionalKeyword(fields, field);
  return name === undefined ? undefined : checked(field, name, rule);
}

/** A keyword of a connection string. Empty means absent. @throws InvalidSecretField */
export function optionalKeyword(fields: SecretFields, field: string): string | undefined {
  return fields[field] === '' ? undefined : optionalText(fields, field);
}

/**
 * Returns the password, if the engine takes one of its length.
 *
 * @param longest in characters
 * @param engine its name, for the error
 * @throws PasswordImpossible
 */
export function requireLength(password: string, longest: number, engine: string): string {
  if (password.length <= longest) return password;
  throw new KeyturnError(
    'PasswordImpossible',
    `${engine} takes passwords of at most ${longest} characters, and one of ${password.length} was asked for.`,
    `Set PASSWORD_LENGTH to ${longest} or less, and rotate again.`,
    { field: 'PASSWORD_LENGTH' },
  );
}
