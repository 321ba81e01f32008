import { type ServiceError, serializationFailure, validationFailure } from '../errors.ts';
import { apiInputs } from './api-model/inputs.ts';
import { apiShapes } from './api-model/shapes.ts';

type Shapes = typeof apiShapes;
type ShapeName = keyof Shapes;

/** The name of an operation of the API. */
export type OperationName = keyof typeof apiInputs;

/** The validated input of an operation. */
export type Input<Name extends OperationName> = ValueOf<(typeof apiInputs)[Name]>;

type ValueOf<S> = S extends { readonly type: 'structure'; readonly members: infer Members }
  ? StructureOf<Members, RequiredIn<S>>
  : S extends { readonly type: 'list'; readonly member: infer Member }
    ? readonly MemberValue<Member>[]
    : ScalarOf<S>;

type RequiredIn<Structure> = Structure extends { readonly required: readonly (infer Required)[] }
  ? Required
  : never;

type StructureOf<Members, Required> = {
  readonly [Member in Extract<keyof Members, Required>]: MemberValue<Members[Member]>;
} & { readonly [Member in Exclude<keyof Members, Required>]?: MemberValue<Members[Member]> | undefined };

type MemberValue<Name> = Name extends ShapeName ? ValueOf<Shapes[Name]> : never;

type ScalarOf<Shape> = Shape extends { readonly type: 'string' }
  ? Shape extends { readonly enum: readonly (infer Choice)[] }
    ? Choice
    : string
  : Shape extends { readonly type: 'integer' | 'long' }
    ? number
    : Shape extends { readonly type: 'boolean' }
      ? boolean
      : Buffer;

/** Any shape of the model. */
interface Shape {
  readonly type: 'structure' | 'list' | 'string' | 'integer' | 'long' | 'boolean' | 'blob';
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly sensitive?: boolean;
  readonly member?: ShapeName;
  readonly members?: Readonly<Record<string, ShapeName>>;
}

/**
 * Turns a value of JSON into a typed value. Broken constraints are added to `problems`. A wrong type of JSON throws a
 * SerializationException.
 */
type Reader = (value: unknown, path: string, problems: string[]) => unknown;

/**
 * Makes the reader of an operation's input. It checks the constraints of the API's model.
 * @returns a function that throws ServiceError: SerializationException for wrong types, ValidationException for broken
 * constraints
 */
export function inputReader<Name extends OperationName>(operation: Name): (body: unknown) => Input<Name> {
  const read = readerOf(apiInputs[operation]);
  return (body) => {
    const problems: string[] = [];
    const input = read(body, '', problems);
    if (problems.length > 0) throw violations(problems);
    return input as Input<Name>;
  };
}

function violations(problems: readonly string[]): ServiceError {
  const count = problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
  return validationFailure(`${count} detected: ${problems.join('; ')}`);
}

function readerOf(shape: Shape): Reader {
  switch (shape.type) {
    case 'structure':
      return structureReader(shape);
    case 'list':
      return listReader(shape);
    case 'string':
      return textReader(shape);
    case 'blob':
      return blobReader(shape);
    case 'boolean':
      return readBoolean;
    default:
      return numberReader(shape);
  }
}

function structureReader({ members = {}, required = [] }: Shape): Reader {
  const parts = Object.entries(members).map(([name, shape]) => ({
    name,
    read: readerOf(apiShapes[shape]),
    required: required.includes(name),
  }));
  return (value, path, problems) => {
    if (!isObject(value)) throw wrongType(value, 'Structure');
    const structure: Record<string, unknown> = {};
    for (const { name, read, required } of parts) {
      const memberPath = path + (path && '.') + name.charAt(0).toLowerCase() + name.slice(1);
      const member = Object.hasOwn(value, name) ? value[name] : undefined;
      if (member !== undefined && member !== null) structure[name] = read(member, memberPath, problems);
      else if (required) problems.push(problem('Value null', memberPath, 'not be null'));
    }
    return structure;
  };
}

function listReader(shape: Shape): Reader {
  const read = readerOf(apiShapes[memberOf(shape)]);
  return (value, path, problems) => {
    if (!Array.isArray(value)) throw wrongType(value, 'List');
    const itemProblems: string[] = [];
    const items = value.map((item: unknown, index) =>
      read(item, `${path}.${index + 1}.member`, itemProblems),
    );
    // Not before the items were read: JSON.stringify would overflow the stack on a deeply nested one.
    reportLength(shape, value.length, `[${value.map(itemText).join(', ')}]`, path, problems);
    problems.push(...itemProblems);
    return items;
  };
}

function itemText(item: unknown): string {
  return typeof item === 'string' ? item : JSON.stringify(item);
}

function memberOf({ member }: Shape): ShapeName {
  if (member === undefined) throw new Error('The model has a list without members');
  return member;
}

function textReader(shape: Shape): Reader {
  // The model's patterns must match the whole text.
  const pattern = shape.pattern === undefined ? undefined : new RegExp(`^(?:${shape.pattern})$`);
  return (value, path, problems) => {
    if (typeof value !== 'string') throw wrongType(value, 'String');
    // JSON can write half a surrogate pair as \ud800. UTF-8 can't, so it could not be stored.
    if (!value.isWellFormed())
      throw serializationFailure('The text is not valid Unicode: it holds half a surrogate pair.');
    const shown = shape.sensitive ? undefined : value;
    reportLength(
      shape,
      shape.sensitive ? Buffer.byteLength(value) : [...value].length,
      shown,
      path,
      problems,
    );
    if (pattern && !pattern.test(value)) {
      problems.push(problem(named(shown), path, `satisfy regular expression pattern: ${shape.pattern}`));
    }
    if (shape.enum && !shape.enum.includes(value)) {
      problems.push(problem(named(shown), path, `satisfy enum value set: [${shape.enum.join(', ')}]`));
    }
    return value;
  };
}

function blobReader(shape: Shape): Reader {
  return (value, path, problems) => {
    if (typeof value !== 'string') throw wrongType(value, 'Blob');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
      throw serializationFailure('only base-64-encoded strings are convertible to bytes');
    }
    const bytes = Buffer.from(value, 'base64');
    reportLength(shape, bytes.length, undefined, path, problems);
    return bytes;
  };
}

function readBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType(value, 'Boolean');
  return value;
}

function numberReader({ type, min = -Infinity, max = Infinity }: Shape): Reader {
  const name = type === 'long' ? 'Long' : 'Integer';
  return (value, path, problems) => {
    if (typeof value !== 'number') throw wrongType(value, name);
    const whole = Math.trunc(value);
    const report = (bound: string) =>
      problems.push(problem(named(String(whole)), path, `have value ${bound}`));
    if (whole < min) report(`greater than or equal to ${min}`);
    if (whole > max) report(`less than or equal to ${max}`);
    return whole;
  };
}

function reportLength(
  { min = 0, max = Infinity }: Shape,
  length: number,
  shown: string | undefined,
  path: string,
  problems: string[],
): void {
  const report = (bound: string) => problems.push(problem(named(shown), path, `have length ${bound}`));
  if (length < min) report(`greater than or equal to ${min}`);
  if (length > max) report(`less than or equal to ${max}`);
}

/** The value for a message. A sensitive member passes undefined, so that its value is in no message. */
function named(shown: string | undefined): string {
  return shown === undefined ? 'Value' : `Value '${shown}'`;
}

function problem(value: string, path: string, constraint: string): string {
  return `${value} at '${path}' failed to satisfy constraint: Member must ${constraint}`;
}

function wrongType(value: unknown, wanted: string): ServiceError {
  return serializationFailure(`${jsonToken(value)} can not be converted to a ${wanted}`);
}

function jsonToken(value: unknown): string {
  if (Array.isArray(value)) return 'START_ARRAY';
  if (typeof value === 'object') return value === null ? 'NULL_VALUE' : 'START_OBJECT';
  const type = typeof value === 'boolean' ? String(value) : typeof value;
  return `${type.toUpperCase()}_VALUE`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
