import { AdapterError, isKeyturnError, KeyturnError } from '../errors.ts';

/** How an error's texts are masked. */
export interface Masking {
  /** Masks a text of Keyturn's own. */
  text(text: string): string;
  /** Masks a text of others. */
  foreign(text: string): string;
  /** Masks the name or the code of an error that is not Keyturn's. */
  label(text: string): string;
}

/** Stands for a masked text. */
export const mask = '[redacted]';

/** How deep causes are shown, and how many errors of an AggregateError. */
const mostCauses = 4;
const mostErrors = 4;

/**
 * Makes the error that may leave the function, of anything thrown. It is a new error with the masked name, code, message,
 * stack and causes: a driver's error can hold a statement, its parameters or a whole connection in other properties. Never
 * throws.
 */
export function publicError(thrown: unknown, masking: Masking): KeyturnError {
  try {
    return isKeyturnError(thrown) ? copyOf(thrown, masking) : unexpected(thrown, masking);
  } catch {
    return new KeyturnError(
      'InternalError',
      'Keyturn failed unexpectedly, with an error that can not be read.',
      'Report this with the log.',
    );
  }
}

function copyOf(error: KeyturnError, masking: Masking): KeyturnError {
  const { code, field, cause } = error;
  const copy = new KeyturnError(code, '', '', {
    ...(field !== undefined && { field: masking.text(String(field)) }),
    ...(cause !== undefined && { cause: summaryOf(cause, masking, mostCauses) }),
  });
  return setMessage(copy, masking.text(String(error.message)), framesOf(error, masking));
}

function unexpected(thrown: unknown, masking: Masking): KeyturnError {
  return new KeyturnError(
    'InternalError',
    `Keyturn failed unexpectedly: ${maskedMessage(thrown, masking).replace(/\.?$/, '.')}`,
    'Report this with the log.',
    { cause: summaryOf(thrown, masking, mostCauses) },
  );
}

/** The masked copy of a cause, and of its own causes. */
function summaryOf(cause: unknown, masking: Masking, depth: number): Error {
  const message = maskedMessage(cause, masking);
  if (!(cause instanceof Error)) return setMessage(new Error(), message, []);
  const deeper: unknown = depth > 1 ? cause.cause : undefined;
  const summary = new Error('', deeper === undefined ? {} : { cause: summaryOf(deeper, masking, depth - 1) });
  const code: unknown = Reflect.get(cause, 'code');
  if (typeof code === 'string' || typeof code === 'number')
    Object.assign(summary, { code: masking.label(String(code)) });
  define(summary, 'name', masking.label(stringify(cause.name)));
  return setMessage(summary, message, framesOf(cause, masking));
}

/** The message of anything thrown, masked as Keyturn's own text or as others'. */
export function maskedMessage(thrown: unknown, { text, foreign }: Pick<Masking, 'text' | 'foreign'>): string {
  if (thrown instanceof AdapterError) {
    const own = text(stringify(thrown.message));
    return thrown.said === undefined ? own : `${own}: ${foreign(stringify(thrown.said))}`;
  }
  return isKeyturnError(thrown) ? text(stringify(thrown.message)) : foreign(messageIn(thrown));
}

function define(error: Error, key: PropertyKey, value: unknown, enumerable = false): boolean {
  return Reflect.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}

/** Sets an error's message, and a stack that begins with it. */
function setMessage<E extends Error>(error: E, message: string, frames: readonly string[]): E {
  define(error, 'message', message);
  define(error, 'stack', [`${error.name}: ${message}`, ...frames].join('\n'));
  return error;
}

/**
 * The message of anything thrown. An AggregateError's is often empty: then the messages of its errors. Node.js throws one
 * if a host has several addresses and none answers.
 */
function messageIn(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    const said: unknown = Reflect.get(Object(thrown), 'message');
    return typeof said === 'string' ? said : stringify(thrown);
  }
  const message = stringify(thrown.message);
  if (message !== '' || !(thrown instanceof AggregateError)) return message;
  return thrown.errors.slice(0, mostErrors).map(messageIn).join('; ');
}

function stringify(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'something that can not be read';
  }
}

const frame =
  /^ {4}at (?:[^\n()]{1,200} \()?(?:async )?(?:file:|node:|[a-z]:\\|\/|<anonymous>|index \d|native)[^\n()]{0,400}\)?$/i;

/** The stack's lines that are places in the code. The lines before them are a message, maybe an outdated one. */
function framesOf(error: Error, { text }: Masking): string[] {
  const { stack } = error;
  if (typeof stack !== 'string') return [];
  const lines = stack.split('\n');
  const first = lines.findLastIndex((line) => !frame.test(line)) + 1;
  return lines.slice(first).map((line) => text(line));
}

/**
 * Masks an error in place, since Node.js prints an uncaught error itself. Properties that are objects are replaced by the
 * mask.
 *
 * @returns the error, or a masked copy if it can't be changed
 */
export function maskInPlace(thrown: unknown, masking: Masking): unknown {
  try {
    return maskPart(thrown, masking, new Map());
  } catch {
    return setMessage(new Error(), mask, []);
  }
}

function maskPart(part: unknown, masking: Masking, seen: Map<unknown, unknown>): unknown {
  if (seen.has(part)) return seen.get(part);
  if (part instanceof Error) return maskError(part, masking, seen);
  if (Array.isArray(part)) return part.map((one) => maskPart(one, masking, seen));
  if (typeof part === 'string') return masking.foreign(part);
  if (typeof part === 'number' || typeof part === 'bigint')
    return masking.text(String(part)) === String(part) ? part : mask;
  return typeof part === 'boolean' || part === undefined || part === null ? part : mask;
}

function maskError(error: Error, masking: Masking, seen: Map<unknown, unknown>): unknown {
  const message = maskedMessage(error, masking);
  const name = isKeyturnError(error) ? error.name : masking.label(stringify(error.name));
  const frames = framesOf(error, masking);
  const isChangeable = canChange(error);
  const told = isChangeable ? error : new Error();
  seen.set(error, told);
  const parts = isChangeable ? keysOf(error) : (['cause'] as const);
  for (const key of parts) {
    const descriptor = Reflect.getOwnPropertyDescriptor(error, key);
    if (descriptor === undefined && key === 'cause') continue;
    const value = descriptor !== undefined && 'value' in descriptor ? descriptor.value : mask;
    const shown = maskKey(key, masking);
    if (shown !== key) Reflect.deleteProperty(told, key);
    define(told, shown, maskPart(value, masking, seen), descriptor?.enumerable ?? false);
  }
  define(told, 'name', name);
  return setMessage(told, message, frames);
}

function maskKey(key: PropertyKey, { text }: Masking): PropertyKey {
  const name = typeof key === 'symbol' ? (key.description ?? '') : String(key);
  return text(name) === name ? key : text(name);
}

function canChange(error: Error): boolean {
  const descriptors = Object.values(Object.getOwnPropertyDescriptors(error));
  return Object.isExtensible(error) && descriptors.every(({ configurable }) => configurable === true);
}

/** An error's own keys, and its classes' getters. */
function keysOf(error: Error): PropertyKey[] {
  const keys = new Set(Reflect.ownKeys(error));
  for (let type = Reflect.getPrototypeOf(error); type !== null; type = Reflect.getPrototypeOf(type)) {
    if (type === Error.prototype || type === Object.prototype) break;
    for (const [key, { get }] of Object.entries(Object.getOwnPropertyDescriptors(type)))
      if (get !== undefined) keys.add(key);
  }
  for (const key of ['message', 'stack', 'name']) keys.delete(key);
  return [...keys];
}

/** A copy of a value with its texts and the names of its members masked. */
export function maskValue(
  value: unknown,
  text: (text: string) => string,
  seen = new Map<unknown, unknown>(),
): unknown {
  const masked = (part: unknown): unknown => maskValue(part, text, seen);
  if (typeof value === 'string') return text(value);
  if (typeof value === 'number' || typeof value === 'bigint')
    return text(String(value)) === String(value) ? value : mask;
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
    return text(bytes) === bytes ? value : mask;
  }
  const list = Array.isArray(value) || value instanceof Map || value instanceof Set ? [...value] : undefined;
  const copy: object = list === undefined ? {} : [];
  seen.set(value, copy);
  const parts = list === undefined ? partsOf(value) : list.entries();
  for (const [key, part] of parts) {
    const name = typeof key === 'string' ? text(key) : key;
    Reflect.defineProperty(copy, name, {
      value: masked(part),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}

/** A value's members, with an error's own ones, which are not enumerable. */
function partsOf(value: object): Iterable<[string, unknown]> {
  const parts = Object.entries(value);
  return value instanceof Error
    ? [
        ...parts,
        ['name', value.name],
        ['message', value.message],
        ['stack', value.stack],
        ['cause', value.cause],
      ]
    : parts;
}
