import { isErrorCode, isKeyturnError, KeyturnError } from '../errors.ts';
import type { ChangingRotator, IssuingRotator, Rotator, Session, Target } from '../rotator/contract.ts';

/*
 * TypeScript checks a rotator when it is compiled. Rotators in JavaScript, and those that were made out of pieces, are
 * checked here: first their members, then what the members return.
 */

/** What a member must be. */
interface Rule {
  readonly is: string;
  readonly required?: boolean;
  fits(value: unknown): boolean;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const aFunction: Rule = { is: 'a function', fits: (value) => typeof value === 'function' };
const aBoolean: Rule = { is: 'true or false', fits: (value) => typeof value === 'boolean' };
const fieldsOfSecret: Rule = {
  is: "an object of a secret's fields",
  fits: (value) => isObject(value) && !Array.isArray(value),
};
const texts: Rule = {
  is: 'a list of texts',
  fits: (value) => Array.isArray(value) && value.every((text) => typeof text === 'string' && text !== ''),
};
const oneOf = (...values: readonly string[]): Rule => ({
  is: values.map((value) => `'${value}'`).join(' or '),
  fits: (value) => typeof value === 'string' && values.includes(value),
});
const required = (rule: Rule): Rule => ({ ...rule, required: true });

/**
 * The value of a tag, in which `keyturn:rotator` holds the name.
 * @see https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices
 */
const name: Rule = {
  is: 'a text that a tag can hold: 1 to 256 letters, digits, spaces and _.:/=+-@, with no space at its ends',
  required: true,
  fits: (value) =>
    typeof value === 'string' && /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u.test(value) && value.trim() === value,
};

const revocation: Rule = {
  is: "'on-next-rotation', 'at-once' or { afterHours: a number }",
  fits: (value) =>
    value === 'on-next-rotation' ||
    value === 'at-once' ||
    (isObject(value) &&
      'afterHours' in value &&
      typeof value.afterHours === 'number' &&
      Number.isFinite(value.afterHours) &&
      value.afterHours > 0),
};

const ofBoth = {
  name,
  engines: texts,
  parse: required(aFunction),
  target: required(aFunction),
  open: required(aFunction),
  verify: aFunction,
  preflight: aFunction,
  classify: aFunction,
};

const ofChanging = {
  ...ofBoth,
  kind: oneOf('changes'),
  overlap: required(oneOf('none', 'until-next-rotation', 'found-out')),
  changedBy: required(oneOf('account', 'admin')),
  generate: required(aFunction),
  change: required(aFunction),
  prepare: aFunction,
  endReplaced: aFunction,
  excessRights: aFunction,
  explainRefusal: aFunction,
  opensNothing: aBoolean,
  empty: fieldsOfSecret,
  revocation,
} satisfies Record<keyof ChangingRotator, Rule>;

const ofIssuing = {
  ...ofBoth,
  kind: oneOf('issues'),
  overlap: required(oneOf('none', 'until-next-rotation')),
  issuedBy: required(oneOf('account', 'admin')),
  issue: required(aFunction),
  accountNamedBy: oneOf('secret', 'admin'),
  identity: aFunction,
  revoke: aFunction,
  revokeOrphans: aFunction,
  revocation,
} satisfies Record<keyof IssuingRotator, Rule>;

/**
 * Checks the rotators of a function.
 *
 * @throws InvalidConfiguration for no list, an entry that is no rotator, a member that is missing, of a wrong type or of
 * the other kind, and two rotators with one name. The message names all that is wrong
 */
export function requireValidRotators(rotators: unknown): void {
  if (!Array.isArray(rotators)) throw invalid(['It is no list of rotators.']);
  const entries: readonly unknown[] = rotators;
  const problems = entries.flatMap((rotator, index) => problemsOf(rotator, index));
  const names = entries.flatMap((rotator) =>
    isObject(rotator) && 'name' in rotator && typeof rotator.name === 'string' ? [rotator.name] : [],
  );
  const twice = new Set(names.filter((found, index) => names.indexOf(found) !== index));
  problems.push(...[...twice].map((found) => `Two rotators have the name ${JSON.stringify(found)}.`));
  if (problems.length > 0) throw invalid(problems);
}

function problemsOf(rotator: unknown, index: number): string[] {
  if (typeof rotator === 'function')
    return [`Number ${index + 1} is a function. Call it: it may return a rotator.`];
  if (Array.isArray(rotator))
    return [`Number ${index + 1} is a list. Spread it (...), so that its rotators are in the list.`];
  if (!isObject(rotator)) return [`Number ${index + 1} is no rotator.`];
  const member = (key: string): unknown => Reflect.get(rotator, key);
  const called = typeof member('name') === 'string' ? JSON.stringify(member('name')) : `number ${index + 1}`;
  const kind = member('kind');
  if (kind !== 'changes' && kind !== 'issues')
    return [`Rotator ${called}: kind must be 'changes' or 'issues'.`];
  const [own, other]: readonly Readonly<Record<string, Rule>>[] =
    kind === 'changes' ? [ofChanging, ofIssuing] : [ofIssuing, ofChanging];
  const wrong = Object.entries(own ?? {}).flatMap(([key, rule]) => {
    const value = member(key);
    if (value === undefined) return rule.required ? [`${key} is missing: it must be ${rule.is}`] : [];
    return rule.fits(value) ? [] : [`${key} must be ${rule.is}`];
  });
  // Only members of the object itself. A class may have a method of its own by one of these names.
  const foreign = Object.keys(other ?? {})
    .filter((key) => !(key in (own ?? {})) && Object.hasOwn(rotator, key) && member(key) !== undefined)
    .map((key) => `${key} belongs to the other kind`);
  const contradictions =
    kind === 'issues'
      ? []
      : [
          ...(member('empty') !== undefined && member('opensNothing') !== true
            ? ['empty needs opensNothing: true']
            : []),
          ...(![undefined, 'on-next-rotation'].includes(revocationName(member('revocation'))) &&
          member('endReplaced') === undefined
            ? ['revocation needs endReplaced']
            : []),
        ];
  const found = [...wrong, ...foreign, ...contradictions];
  return found.length === 0 ? [] : [`Rotator ${called}, which ${kind}: ${found.join('; ')}.`];
}

function revocationName(value: unknown): string | undefined {
  return value === undefined || typeof value === 'string' ? value : 'afterHours';
}

function invalid(problems: readonly string[]): KeyturnError {
  return new KeyturnError(
    'InvalidConfiguration',
    `The option "rotators" is wrong. ${problems.join(' ')}`,
    'Correct it: the types of keyturn/rotator say what each member is.',
    { field: 'rotators' },
  );
}

/** The error for a rotator whose member did what the contract excludes. It is no error of the target. */
export function faultOf(rotator: Rotator, member: string, fault: string, cause?: unknown): KeyturnError {
  return new KeyturnError(
    'InternalError',
    `The rotator ${rotator.name} has a fault: its ${member} ${fault}.`,
    'Correct the rotator. Its conformance suite (keyturn/testing) finds such faults.',
    { cause },
  );
}

/** The target of a credential. @throws InternalError if the rotator returns none */
export function targetOf(rotator: Rotator, credential: unknown): Target {
  const target = answerOf(rotator, credential);
  if (!isObject(target)) throw faultOf(rotator, 'target', 'returned no target');
  for (const member of ['host', 'account']) {
    if (typeof Reflect.get(target, member) !== 'string')
      throw faultOf(rotator, 'target', `returned a target whose ${member} is no text`);
  }
  return target;
}

function answerOf(rotator: Rotator, credential: unknown): Target {
  try {
    return rotator.target(credential);
  } catch (error) {
    if (isKeyturnError(error)) throw error;
    throw faultOf(rotator, 'target', 'threw an error', error);
  }
}

/** Makes sure that `open` has returned a session, or undefined. @throws InternalError */
export function requireSession(rotator: Rotator, session: Session | undefined): Session | undefined {
  const opened: unknown = session;
  // A session may be a function too, such as the `sql` of the driver postgres.
  const mayBeOne = isObject(opened) || typeof opened === 'function';
  if (opened === undefined || (mayBeOne && typeof Reflect.get(opened, 'close') === 'function'))
    return session;
  throw faultOf(rotator, 'open', 'returned neither a session, which has a function close, nor undefined');
}

/** Makes sure that `generate` or `issue` has returned fields that a secret can hold. @throws InternalError */
export function requireFields(rotator: Rotator, member: 'generate' | 'issue', returned: unknown): void {
  if (!isObject(returned) || Array.isArray(returned))
    throw faultOf(rotator, member, "returned no object of the secret's fields");
  const fields = Object.entries(returned).filter(([, value]) => value !== undefined);
  if (fields.length === 0) throw faultOf(rotator, member, 'returned no field');
  const unstorable = fields.find(([, value]) => !isStorable(value));
  if (unstorable !== undefined)
    throw faultOf(rotator, member, `returned a value for "${unstorable[0]}" that JSON can not hold`);
}

function isStorable(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

/** The code that `classify` gives an error; TargetFailed if it gives none that exists. */
export function codeOf(rotator: Rotator, ...[error, during]: Parameters<NonNullable<Rotator['classify']>>) {
  try {
    const code = rotator.classify?.(error, during);
    return isErrorCode(code) ? code : 'TargetFailed';
  } catch {
    return 'TargetFailed';
  }
}
