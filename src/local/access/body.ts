import { apiInputs } from '../protocol/api-model/inputs.ts';

/** What policies ask of a request's body; what is malformed is refused later, by the operation. */
export interface Body {
  text(member: string): string | undefined;
  /** As condition keys hold it: a boolean or a number as text. */
  scalar(member: string): string | undefined;
  /** The texts in a list. */
  texts(member: string): readonly string[] | undefined;
  /** One member of each object in a list. */
  each(member: string, inner: string): readonly string[] | undefined;
  has(member: string): boolean;
}

/** The body, without members that the operation doesn't have: what it doesn't read must not decide whether it may. */
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

/** A member of an object; undefined where there is none. */
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
