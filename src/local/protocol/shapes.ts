import { serializationFailure, validationFailure } from '../errors.ts';

/**
 * The form of one member of a request. It turns what JSON gave into a typed value, adds to `problems` what breaks a
 * constraint, in AWS's words, and throws a SerializationException for another type of JSON.
 */
export interface Shape<Value> {
  check(value: unknown, path: string, problems: string[]): Value;
}

/** A member that must be there. */
export interface RequiredShape<Value> extends Shape<Value> {
  readonly required: true;
}

type Members = Readonly<Record<string, Shape<unknown>>>;
type ValueOf<S> = S extends Shape<infer Value> ? Value : never;
type RequiredNames<M> = { [Name in keyof M]: M[Name] extends RequiredShape<unknown> ? Name : never }[keyof M];

/** What a structure with these members holds once it is validated. */
export type Structure<M> = { readonly [Name in RequiredNames<M>]: ValueOf<M[Name]> } & {
  readonly [Name in Exclude<keyof M, RequiredNames<M>>]?: ValueOf<M[Name]> | undefined;
};

interface TextLimits {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
  readonly oneOf?: readonly string[];
  /** Its value is left out of every message, and its length counts in bytes. */
  readonly sensitive?: boolean;
}

/** Makes a member required. */
export function required<Value>(shape: Shape<Value>): RequiredShape<Value> {
  return { ...shape, required: true };
}

export function text(limits: TextLimits = {}): Shape<string> {
  return {
    check(value, path, problems) {
      if (typeof value !== 'string') throw wrongType(value, 'String');
      const broken = textProblems(value, limits);
      problems.push(
        ...broken.map((constraint) => problem(limits.sensitive ? undefined : value, path, constraint)),
      );
      return value;
    },
  };
}

/** Bytes, which travel as Base64. */
export function binary(limits: { readonly min: number; readonly max: number }): Shape<Buffer> {
  return {
    check(value, path, problems) {
      if (typeof value !== 'string') throw wrongType(value, 'Blob');
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw serializationFailure('Invalid Base64 in a Blob');
      const bytes = Buffer.from(value, 'base64');
      problems.push(
        ...lengthProblems(bytes.length, limits).map((constraint) => problem(undefined, path, constraint)),
      );
      return bytes;
    },
  };
}

export function integer(limits: { readonly min?: number; readonly max?: number } = {}): Shape<number> {
  const { min = -Infinity, max = Infinity } = limits;
  return {
    check(value, path, problems) {
      if (typeof value !== 'number') throw wrongType(value, 'Integer');
      const whole = Math.trunc(value);
      if (whole < min)
        problems.push(problem(whole, path, `Member must have value greater than or equal to ${min}`));
      if (whole > max)
        problems.push(problem(whole, path, `Member must have value less than or equal to ${max}`));
      return whole;
    },
  };
}

export function flag(): Shape<boolean> {
  return {
    check(value) {
      if (typeof value !== 'boolean') throw wrongType(value, 'Boolean');
      return value;
    },
  };
}

export function list<Item>(
  item: Shape<Item>,
  limits: { readonly min?: number; readonly max?: number } = {},
): Shape<readonly Item[]> {
  return {
    check(value, path, problems) {
      if (!Array.isArray(value)) throw wrongType(value, 'List');
      const broken = lengthProblems(value.length, limits);
      problems.push(...broken.map((constraint) => problem(`[${value.join(', ')}]`, path, constraint)));
      return value.map((element: unknown, index) =>
        item.check(element, `${path}.${index + 1}.member`, problems),
      );
    },
  };
}

export function structure<M extends Members>(members: M): Shape<Structure<M>> {
  return {
    check(value, path, problems) {
      if (!isObject(value)) throw wrongType(value, 'Structure');
      const checked = Object.entries(members).map(([name, member]) => {
        const memberPath = path + (path && '.') + name.charAt(0).toLowerCase() + name.slice(1);
        return [name, checkMember(member, value[name], memberPath, problems)] as const;
      });
      return assumeComplete<Structure<M>>(
        Object.fromEntries(checked.filter(([, part]) => part !== undefined)),
      );
    },
  };
}

/**
 * A whole request.
 * @throws ServiceError: SerializationException for wrong types, ValidationException for broken constraints
 */
export function validate<Value>(shape: Shape<Value>, body: unknown): Value {
  const problems: string[] = [];
  const value = shape.check(body, '', problems);
  if (problems.length === 0) return value;
  const count = problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
  throw validationFailure(`${count} detected: ${problems.join('; ')}`);
}

function checkMember(member: Shape<unknown>, value: unknown, path: string, problems: string[]): unknown {
  if (value !== undefined && value !== null) return member.check(value, path, problems);
  if ('required' in member)
    problems.push(`Value null at '${path}' failed to satisfy constraint: Member must not be null`);
  return undefined;
}

/** A required member that is missing has added to the problems, and `validate` lets no value out when there are any. */
function assumeComplete<Value>(value: object): Value {
  return value as Value;
}

function textProblems(value: string, limits: TextLimits): string[] {
  const length = limits.sensitive ? Buffer.byteLength(value) : [...value].length;
  const problems = lengthProblems(length, limits);
  if (limits.pattern && !limits.pattern.test(value)) {
    problems.push(`Member must satisfy regular expression pattern: ${limits.pattern.source}`);
  }
  if (limits.oneOf && !limits.oneOf.includes(value)) {
    problems.push(`Member must satisfy enum value set: [${limits.oneOf.join(', ')}]`);
  }
  return problems;
}

function lengthProblems(length: number, limits: { readonly min?: number; readonly max?: number }): string[] {
  const { min = 0, max = Infinity } = limits;
  if (length < min) return [`Member must have length greater than or equal to ${min}`];
  return length > max ? [`Member must have length less than or equal to ${max}`] : [];
}

function problem(value: string | number | undefined, path: string, constraint: string): string {
  const shown = value === undefined ? 'Value' : `Value '${value}'`;
  return `${shown} at '${path}' failed to satisfy constraint: ${constraint}`;
}

function wrongType(value: unknown, wanted: string) {
  return serializationFailure(`${jsonToken(value)} can not be converted to a ${wanted}`);
}

function jsonToken(value: unknown): string {
  if (Array.isArray(value)) return 'START_ARRAY';
  if (typeof value === 'object') return value === null ? 'NULL_VALUE' : 'START_OBJECT';
  return typeof value === 'boolean'
    ? `${String(value).toUpperCase()}_VALUE`
    : `${(typeof value).toUpperCase()}_VALUE`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
