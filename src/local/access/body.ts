import { apiInputs } from '../protocol/api-model/inputs.ts';

/** The members of a request's body that policies look at. The operation refuses malformed ones later. */
export interface Body {
  text(member: string): string | undefined;
  /** A text, a boolean or a number, as text, as condition keys have it. */
  scalar(member: string): string | undefined;
  /** The texts in a list. */
  texts(member: string): readonly string[] | undefined;
  /** One member of each object in a list. */
  each(member: string, inner: string): readonly string[] | undefined;
  has(member: string): boolean;
}

/** Reads a body without the members that the operation doesn't have. They must not decide what is allowed. */
export function readMembers(operation: string, body: unknown): Body {
  const members = memberOf(memberOf(apiInputs, operation), 'members');
  const value = (member: string): unknown =>
    memberOf(members, member) === undefined ? undefined : memberOf(body, member);
  const list = (member: string): readonly unknown[] | undefined => {
    const items = value(member);
    return Array.isArray(items) ? items : undefined;
  };
  return {
    text: (member) => stringOrUndefined(value(member)),
    scalar: (member) => {
      const scalar = value(member);
      return typeof scalar === 'boolean' || typeof scalar === 'number'
        ? String(scalar)
        : stringOrUndefined(scalar);
    },
    texts: (member) => list(member)?.filter(isText),
    each: (member, inner) => list(member)?.map((item) => stringOrUndefined(memberOf(item, inner)) ?? ''),
    has: (member) => value(member) !== undefined && value(member) !== null,
  };
}

/** A member of an object. Undefined if it has none of this name. */
export function memberOf(value: unknown, member: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, member)
    ? Reflect.get(value, member)
    : undefined;
}

function stringOrUndefined(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
