import { optionalPort, optionalSsl, optionalText, requireText } from '../../documents/fields.ts';
import { KeyturnError } from '../../errors.ts';
import type { Duration } from '../duration.ts';
import type { SecretValue } from '../value.ts';

/** What becomes of open connections when the credential has changed. */
export interface PoolSettings {
  /**
   * `keep`: connections that are open are used up, as long as the server lets them (the default). `drain`: they are closed
   * as soon as nobody uses them.
   */
  readonly openConnections?: 'keep' | 'drain';
  /** For how long a login looks for another credential after a refusal; the client's `deadline` if absent. */
  readonly deadline?: Duration;
}

/** Where to log in, and as whom. Absent members are the driver's to choose. */
export interface Login {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user: string;
  readonly password: string;
  /** Whether TLS is used. */
  readonly ssl?: boolean;
}

/** The login that a value holds. @throws MalformedSecret, InvalidSecretField */
export function loginOf({ fields }: SecretValue): Login {
  const port = optionalPort(fields, 'port', 0);
  return defined({
    host: optionalText(fields, 'host'),
    port: port === 0 ? undefined : port,
    database: optionalText(fields, 'dbname'),
    user: requireText(fields, 'username'),
    password: requireText(fields, 'password'),
    ssl: optionalSsl(fields),
  });
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** An object without its members that are undefined. */
function defined<T extends object>(members: T): Defined<T> {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object(Object.fromEntries(kept));
}

/** @throws DriverUnknown unless what was given is what the driver's documentation says */
export function requireDriver(isKnown: boolean, name: string, example: string): void {
  if (isKnown) return;
  throw new KeyturnError(
    'DriverUnknown',
    `What was given is not ${name}, or works otherwise than the versions that are known.`,
    `Give the driver's own: ${example}.`,
  );
}

/** @throws DriverUnknown unless a class has the methods that the driver's has */
export function requireClass(
  given: unknown,
  methods: readonly string[],
  name: string,
  example: string,
): void {
  const prototype = memberOf(given, 'prototype');
  const isKnown = methods.every((method) => typeof memberOf(prototype, method) === 'function');
  requireDriver(typeof given === 'function' && isKnown, name, example);
}

/** A member of whatever it is that a driver gives; undefined where it has none. */
export function memberOf(object: unknown, name: string): unknown {
  const hasMembers = (typeof object === 'object' && object !== null) || typeof object === 'function';
  return hasMembers ? Reflect.get(object, name) : undefined;
}

/** A method, to be called as one also where the object gets another in its place. */
export function methodOf(object: unknown, name: string): (...args: unknown[]) => unknown {
  const method = memberOf(object, name);
  return (...args) => (typeof method === 'function' ? Reflect.apply(method, object, args) : undefined);
}

/**
 * Sets where to log in from now on, and as whom. A version that is for another server must not be sent to this one, so
 * all of it is set each time, but for what the application has said itself. Inspection of the options does not show the
 * password.
 */
export function setLogin(options: object, { user, password, ...place }: Login, given: object): void {
  for (const [name, value] of Object.entries(place)) {
    if (memberOf(given, name) === undefined) Reflect.set(options, name, value);
  }
  const hidden = { configurable: true, writable: true, enumerable: false };
  Object.defineProperty(options, 'password', { ...hidden, value: password });
  Reflect.set(options, 'user', user);
}

/** Has an emitter say nothing of refused logins: whoever has asked for the connection is told, if they stay. */
export function hushRefusals(emitter: object, isRefused: (error: unknown) => boolean): void {
  const emit: unknown = Reflect.get(emitter, 'emit');
  if (typeof emit !== 'function') return;
  const hushed = (event: unknown, ...args: unknown[]): unknown =>
    event === 'error' && isRefused(args[0]) ? false : Reflect.apply(emit, emitter, [event, ...args]);
  Object.defineProperty(emitter, 'emit', { value: hushed, configurable: true, writable: true });
}

/** A promise's outcome by a callback in Node.js's manner, thrown errors of which are nobody's but the process's. */
export function callBack<T>(promise: Promise<T>, callback: (error: unknown, result?: T) => void): void {
  promise.then(
    (result) => process.nextTick(callback, null, result),
    (error: unknown) => process.nextTick(callback, error),
  );
}
