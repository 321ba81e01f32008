import { optionalPort, optionalSsl, optionalText, requireText } from '../../documents/fields.ts';
import { KeyturnError } from '../../errors.ts';
import type { Duration } from '../duration.ts';
import type { SecretValue } from '../value.ts';

/** How a pool treats a changed credential. */
export interface PoolSettings {
  /**
   * What happens to open connections when the credential has changed. `keep` (the default): they stay in use until the
   * server ends them. `drain`: they are closed as soon as they are idle.
   */
  readonly openConnections?: 'keep' | 'drain';
  /** For how long a login looks for another credential after a refusal. Default: the client's `deadline`. */
  readonly deadline?: Duration;
}

/** Server and login. The driver's defaults fill in absent members. */
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
export function defined<T extends object>(members: T): Defined<T> {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object(Object.fromEntries(kept));
}

/** Checks an argument that must come from the driver. @throws DriverUnknown */
export function requireDriver(isKnown: boolean, name: string, example: string): void {
  if (isKnown) return;
  throw new KeyturnError(
    'DriverUnknown',
    `The argument is not ${name}, or not of a version that is known to work.`,
    `Give the driver's own: ${example}.`,
  );
}

/** Checks that a class has the methods of the driver's class. @throws DriverUnknown */
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

/** Reads a member of a driver's object; undefined if there is none. */
export function memberOf(object: unknown, name: string): unknown {
  const hasMembers = (typeof object === 'object' && object !== null) || typeof object === 'function';
  return hasMembers ? Reflect.get(object, name) : undefined;
}

/** A driver's method as it is now. It can still be called after the object's method was replaced. */
export function methodOf(object: unknown, name: string): (...args: unknown[]) => unknown {
  const method = memberOf(object, name);
  return (...args) => (typeof method === 'function' ? Reflect.apply(method, object, args) : undefined);
}

/**
 * Sets server and login for new connections. The server is set too: a version's password must not be sent to another
 * server. The application's own options win. Inspection of the options does not show the password.
 */
export function setLogin(options: object, { user, password, ...place }: Login, given: object): void {
  for (const [name, value] of Object.entries(place)) {
    if (memberOf(given, name) === undefined) Reflect.set(options, name, value);
  }
  const hidden = { configurable: true, writable: true, enumerable: false };
  Object.defineProperty(options, 'password', { ...hidden, value: password });
  Reflect.set(options, 'user', user);
}

/** Keeps refused logins out of an emitter's error events: the caller gets the error if the refusal stays. */
export function silenceRefusals(emitter: object, isRefused: (error: unknown) => boolean): void {
  const emit: unknown = Reflect.get(emitter, 'emit');
  if (typeof emit !== 'function') return;
  const filtered = (event: unknown, ...args: unknown[]): unknown =>
    event === 'error' && isRefused(args[0]) ? false : Reflect.apply(emit, emitter, [event, ...args]);
  Object.defineProperty(emitter, 'emit', { value: filtered, configurable: true, writable: true });
}

/** Passes a promise's outcome to a Node.js callback. If the callback throws, that is an uncaught error. */
export function callBack<T>(promise: Promise<T>, callback: (error: unknown, result?: T) => void): void {
  promise.then(
    (result) => process.nextTick(callback, null, result),
    (error: unknown) => process.nextTick(callback, error),
  );
}
