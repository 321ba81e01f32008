import type { ChangingRotator, Rotator } from '../rotator/contract.ts';

/** A function of an object, bound to it. */
export type Member = (...args: unknown[]) => unknown;

/** Wraps an object so that each of its functions is replaced when it is read. */
export function replaceMembers<T extends object>(
  original: T,
  replace: (name: string, member: Member) => Rotator['open'] | ChangingRotator['prepare'] | Member,
): T {
  return new Proxy(original, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function' && typeof key === 'string'
        ? replace(key, (...args) => Reflect.apply(member, target, args))
        : member;
    },
  });
}
