import { optionalPort, optionalSsl, optionalText, requireText } from '../../documents/fields.ts';
import { milliseconds } from '../duration.ts';
import type { Secret } from '../secrets.ts';
import type { SecretValue } from '../value.ts';
import { refusedBy } from './refused-by.ts';
import { memberOf } from './shared.ts';

/** A login. Without a username, it is the default user's. */
export interface RedisLogin {
  readonly username: string | undefined;
  readonly password: string;
}

/** The login that a value holds. @throws MalformedSecret, InvalidSecretField */
export function loginOf({ fields }: SecretValue): RedisLogin {
  return { username: optionalText(fields, 'username'), password: requireText(fields, 'password') };
}

/** One of several places at which a secret's servers, or its Sentinels, listen. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
}

/** All places that a value names: `host` may hold several, with commas between them. @throws MalformedSecret, InvalidSecretField */
export function serversOf(value: SecretValue, byDefault = 6379): RedisPlace[] {
  const { fields } = value;
  const port = optionalPort(fields, 'port', byDefault);
  return (optionalText(fields, 'host') ?? 'localhost').split(',').map((written) => {
    const [, host = written.trim(), own] = /^\s*(\[[^\]]*\]|[^:]*):(\d+)\s*$/.exec(written) ?? [];
    return { host: host.replace(/^\[|\]$/g, ''), port: own === undefined ? port : Number(own) };
  });
}

/** The server that a value names; if it names several, the first. @throws MalformedSecret, InvalidSecretField */
export function serverOf(value: SecretValue) {
  const { fields } = value;
  const [{ host, port } = { host: 'localhost', port: 6379 }] = serversOf(value);
  return {
    host,
    port,
    database: Number(/^\d+$/.exec(String(fields.dbname))?.[0] ?? 0),
    tls: optionalSsl(fields) === true,
  };
}

/** The name of the master, if the value's hosts are Sentinels; else undefined. @throws InvalidSecretField */
export function masterNameOf({ fields }: SecretValue): string | undefined {
  return optionalText(fields, 'mastername');
}

/** The Sentinels that a value names, and how to log in there. @throws MalformedSecret, InvalidSecretField */
export function sentinelsOf(value: SecretValue) {
  const { fields } = value;
  return {
    name: masterNameOf(value),
    places: serversOf(value, 26_379),
    username: optionalText(fields, 'sentinelusername'),
    password: optionalText(fields, 'sentinelpassword'),
  };
}

/** The command that logs in. */
export function authOf({ username, password }: RedisLogin): string[] {
  return username === undefined ? ['AUTH', password] : ['AUTH', username, password];
}

/** How often `drain` checks whether the credential has changed. */
const checkEveryMs = milliseconds('1m', 'checkEvery');

/** Logs an open connection in again whenever the credential has changed, until `ended`. */
export function logInOnChange(
  secret: Secret,
  ended: Promise<unknown>,
  logIn: (value: SecretValue) => unknown,
): void {
  let versionId: string | undefined;
  const check = async (): Promise<void> => {
    const value = await secret.get();
    if (versionId !== undefined && versionId !== value.versionId) {
      await secret.use(logIn, { isRefused: refusedBy.redis });
    }
    versionId = value.versionId;
  };
  // The next check tries again, and the open connection works until the server ends it.
  const timer = setInterval(() => void check().catch(() => undefined), checkEveryMs).unref();
  void check().catch(() => undefined);
  ended.then(() => clearInterval(timer));
}

/** Resolves at an emitter's next event of this name. */
export function once(emitter: object, event: string): Promise<void> {
  const listen: unknown = memberOf(emitter, 'once');
  return new Promise((resolve) => {
    if (typeof listen === 'function') Reflect.apply(listen, emitter, [event, () => resolve()]);
  });
}
