import { AdapterError, isKeyturnError, KeyturnError } from '../errors.ts';

/** How an error's texts are masked. */
export interface Masking {
  /** What Keyturn wrote. */
  text(text: string): string;
  /** What was written by somebody else. */
  foreign(text: string): string;
  /** The name or the code of an error that is not Keyturn's. */
  label(text: string): string;
}

/** In place of what is not told at all. */
export const mask = '[redacted]';

/** How many causes of causes are told, and how many errors of an AggregateError. */
const mostCauses = 4;
const mostErrors = 4;

/**
 * The error that may leave the function. It is made anew, of an error's name, code, message, stack and causes, each
 * masked: in other properties a driver's error can hold a statement, its parameters or a whole connection. It neither
 * throws nor lets anything through, whatever was thrown.
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
  return tell(copy, masking.text(String(error.message)), framesOf(error, masking));
}

function unexpected(thrown: unknown, masking: Masking): KeyturnError {
  return new KeyturnError(
    'InternalError',
    `Keyturn failed unexpectedly: ${wordsOf(thrown, masking).replace(/\.?$/, '.')}`,
    'Report this with the log.',
    { cause: summaryOf(thrown, masking, mostCauses) },
  );
}

/** What is told of a cause, and of its own causes. */
function summaryOf(cause: unknown, masking: Masking, depth: number): Error {
  const message = wordsOf(cause, masking);
  if (!(cause instanceof Error)) return tell(new Error(), message, []);
  const deeper: unknown = depth > 1 ? cause.cause : undefined;
  const summary = new Error('', deeper === undefined ? {} : { cause: summaryOf(deeper, masking, depth - 1) });
  const code: unknown = Reflect.get(cause, 'code');
  if (typeof code === 'string' || typeof code === 'number')
    Object.assign(summary, { code: masking.label(String(code)) });
  define(summary, 'name', masking.label(textOf(cause.name)));
  return tell(summary, message, framesOf(cause, masking));
}

/** What was thrown says, masked as what it is: the words of Keyturn or of somebody else. */
export function wordsOf(thrown: unknown, { text, foreign }: Pick<Masking, 'text' | 'foreign'>): string {
  if (thrown instanceof AdapterError) {
    const own = text(textOf(thrown.message));
    return thrown.said === undefined ? own : `${own}: ${foreign(textOf(thrown.said))}`;
  }
  return isKeyturnError(thrown) ? text(textOf(thrown.message)) : foreign(messageIn(thrown));
}

function define(error: Error, key: PropertyKey, value: unknown, enumerable = false): boolean {
  return Reflect.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}

/** Gives an error its message, and a stack that begins with it. */
function tell<E extends Error>(error: E, message: string, frames: readonly string[]): E {
  define(error, 'message', message);
  define(error, 'stack', [`${error.name}: ${message}`, ...frames].join('\n'));
  return error;
}

/**
 * The message of anything that can be thrown. That of an AggregateError, which Node.js throws where a name has several
 * addresses and none of them answers, is often empty: then those of its errors.
 */
function messageIn(thrown: unknown): string {
  if (!(thrown instanceof Error)) return textOf(thrown);
  const message = textOf(thrown.message);
  if (message !== '' || !(thrown instanceof AggregateError)) return message;
  return thrown.errors.slice(0, mostErrors).map(messageIn).join('; ');
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'something that can not be read';
  }
}

const frame =
  /^ {4}at (?:[^\n()]{1,200} \()?(?:async )?(?:file:|node:|[a-z]:\\|\/|<anonymous>|index \d|native)[^\n()]{0,400}\)?$/i;

/** Where the code was. The lines before are a message, which may be another than the error has now. */
function framesOf(error: Error, { text }: Masking): string[] {
  const { stack } = error;
  if (typeof stack !== 'string') return [];
  const lines = stack.split('\n');
  const first = lines.findLastIndex((line) => !frame.test(line)) + 1;
  return lines.slice(first).map((line) => text(line));
}

/**
 * Masks an error in place, for whoever has it already and prints it later, as Node.js does with one that nobody
 * catches. Properties that are objects are not told.
 *
 * @returns the error; where it can't be changed, another one to be used in its stead
 */
export function maskInPlace(thrown: unknown, masking: Masking): unknown {
  try {
    return maskPart(thrown, masking, new Map());
  } catch {
    return tell(new Error(), mask, []);
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
  const message = wordsOf(error, masking);
  const name = isKeyturnError(error) ? error.name : masking.label(textOf(error.name));
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
  return tell(told, message, frames);
}

function maskKey(key: PropertyKey, { text }: Masking): PropertyKey {
  const name = typeof key === 'symbol' ? (key.description ?? '') : String(key);
  return text(name) === name ? key : text(name);
}

function canChange(error: Error): boolean {
  const descriptors = Object.values(Object.getOwnPropertyDescriptors(error));
  return Object.isExtensible(error) && descriptors.every(({ configurable }) => configurable === true);
}

/** Its own keys, and those of getters that its class gives it. */
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

/** A copy of a value with its texts, and the names of what it is made of, masked. */
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

/** What an error says is in properties that are not enumerable. */
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
