import type { SecretFields } from '../documents/fields.ts';
import { type ErrorCode, isErrorCode, isKeyturnError, KeyturnError } from '../errors.ts';
import type { Redactor } from '../redact.ts';
import type {
  ChangingRotator,
  Finding,
  IssuingRotator,
  Prepared,
  Rotator,
  Session,
  Target,
} from '../rotator/contract.ts';

/*
 * TypeScript checks a rotator when it is compiled. Rotators in JavaScript, and those that were made out of pieces, are
 * checked here: first their members, then what the members return.
 */

/** What a member must be. */
export interface Rule {
  readonly is: string;
  readonly required?: boolean;
  fits(value: unknown): boolean;
}

/** Whether it is an object or a list. */
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

export const aFunction: Rule = { is: 'a function', fits: (value) => typeof value === 'function' };
export const aBoolean: Rule = { is: 'true or false', fits: (value) => typeof value === 'boolean' };
export const fieldsOfSecret: Rule = {
  is: "an object of a secret's fields",
  fits: (value) => isObject(value) && !Array.isArray(value),
};
export const texts: Rule = {
  is: 'a list of texts',
  fits: (value) => Array.isArray(value) && value.every((text) => typeof text === 'string' && text !== ''),
};
export const oneOf = (...values: readonly string[]): Rule => ({
  is: values.map((value) => `'${value}'`).join(' or '),
  fits: (value) => typeof value === 'string' && values.includes(value),
});
export const required = (rule: Rule): Rule => ({ ...rule, required: true });

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
  const wrong = wrongMembers(rotator, own ?? {});
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

/** Which members of an object are missing, or are not what they must be. */
export function wrongMembers(value: object, rules: Readonly<Record<string, Rule>>): string[] {
  return Object.entries(rules).flatMap(([key, rule]) => {
    const member: unknown = Reflect.get(value, key);
    if (member === undefined) return rule.required ? [`${key} is missing: it must be ${rule.is}`] : [];
    return rule.fits(member) ? [] : [`${key} must be ${rule.is}`];
  });
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

/** Says what a rotator has done that the contract excludes, for an error or a warning. */
export function faultIn({ name }: Rotator, member: string, fault: string): string {
  return `The rotator ${name} has a fault: its ${member} ${fault}.`;
}

/** The error for a rotator whose member did what the contract excludes. It is no error of the target. */
export function faultOf(rotator: Rotator, member: string, fault: string, cause?: unknown): KeyturnError {
  return new KeyturnError(
    'InternalError',
    faultIn(rotator, member, fault),
    'Correct the rotator. Its conformance suite (keyturn/testing) finds such faults.',
    { cause },
  );
}

/** The fault of a member that has thrown what it must not, with the masked message. */
export function faultOfThrowing(
  rotator: Rotator,
  member: string,
  redactor: Redactor,
  error: unknown,
  what = 'threw an error',
): KeyturnError {
  return faultOf(rotator, member, `${what}: ${told(redactor, error)}`, error);
}

/** The message of anything thrown, masked, to end a sentence with. */
export function told(redactor: Redactor, error: unknown): string {
  const message = redactor.describe(error).replace(/\.$/, '');
  return error instanceof Error ? message : `${message} (what was thrown is no Error)`;
}

/**
 * Reads a credential out of a secret's fields. It is frozen, as the fields are: a member that changed it would change what
 * core compares with and hands to the next member.
 *
 * @throws InvalidSecretField, and what else `parse` throws of Keyturn's errors; InternalError for its other errors
 */
export function credentialOf(rotator: Rotator, fields: SecretFields, redactor: Redactor): unknown {
  return requireCredential(
    rotator,
    guardedAnswer(rotator, 'parse', redactor, () => rotator.parse(frozen(fields))),
  );
}

/** Makes sure that `parse` has returned a credential, and freezes it. @throws InternalError */
export function requireCredential(rotator: Rotator, credential: unknown): unknown {
  if (isPromise(credential)) throw faultOf(rotator, 'parse', 'returned a promise');
  if (credential === undefined || credential === null) throw faultOf(rotator, 'parse', 'returned nothing');
  return frozen(credential);
}

/** The target of a credential. @throws InternalError if the rotator returns none */
export function targetOf(rotator: Rotator, credential: unknown, redactor: Redactor): Target {
  const target = guardedAnswer(rotator, 'target', redactor, () => rotator.target(credential));
  if (!isObject(target) || isPromise(target)) throw faultOf(rotator, 'target', 'returned no target');
  for (const member of ['host', 'account']) {
    if (typeof Reflect.get(target, member) !== 'string')
      throw faultOf(rotator, 'target', `returned a target whose ${member} is no text`);
  }
  if (!isPortOrAbsent(target.port))
    throw faultOf(rotator, 'target', 'returned a target whose port is no number');
  return target;
}

function isPortOrAbsent(port: unknown): boolean {
  return port === undefined || typeof port === 'number';
}

/** What identifies a credential at the target. @throws InternalError if `identity` throws or returns a promise */
export function identityOf(rotator: Rotator, credential: unknown, redactor: Redactor): unknown {
  if (rotator.kind !== 'issues' || rotator.identity === undefined) return credential;
  const identity = guardedAnswer(rotator, 'identity', redactor, () => rotator.identity?.(credential));
  if (isPromise(identity)) throw faultOf(rotator, 'identity', 'returned a promise');
  return identity;
}

/** What one of the pure members answers. */
function guardedAnswer<T>(rotator: Rotator, member: string, redactor: Redactor, ask: () => T): T {
  try {
    return unawaited(ask());
  } catch (error) {
    if (isKeyturnError(error)) throw error;
    throw faultOfThrowing(rotator, member, redactor, error);
  }
}

/**
 * Marks a promise as handled that nobody awaits, since it should be none. If it rejected later, Node.js would end the
 * process.
 */
export function unawaited<T>(returned: T, rejected: (error: unknown) => void = () => undefined): T {
  if (isPromise(returned)) Promise.resolve(returned).catch(rejected);
  return returned;
}

/** Whether something can be awaited. */
export function isPromise(value: unknown): boolean {
  return isObject(value) && typeof Reflect.get(value, 'then') === 'function';
}

/**
 * Freezes plain objects and lists, with all that is in them. Others may not bear it: Node.js freezes no Buffer, and an
 * object of a class may keep something in itself.
 */
export function frozen<T>(value: T): T {
  if (!isObject(value) || Object.isFrozen(value)) return value;
  const prototype: unknown = Reflect.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && !Array.isArray(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(Object.getOwnPropertyDescriptors(value))) {
    if ('value' in part) frozen(part.value);
  }
  return value;
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

/** Whether `prepare` has returned what a login can be made with. */
export function isPrepared(returned: Prepared<Session> | undefined): returned is Prepared<Session> {
  return (
    isObject(returned) &&
    ['open', 'close'].every((member) => typeof Reflect.get(returned, member) === 'function')
  );
}

/** Makes sure that a member which returns nothing did not answer false. @throws InternalError */
export function requireNotFalse(rotator: Rotator, member: string, returned: unknown): void {
  if (returned !== false) return;
  throw faultOf(rotator, member, 'returned false, which core can not read: it must throw an error instead');
}

/** Makes sure that `excessRights` has returned a list of rights. @throws InternalError */
export function requireRights(rotator: Rotator, rights: readonly string[] | undefined): readonly string[] {
  // Nothing must not count as no right at all: the admin would change the account.
  if (rights !== undefined && texts.fits(rights)) return rights;
  throw faultOf(rotator, 'excessRights', 'returned no list of texts: it must be empty if there is no right');
}

/** Makes sure that `preflight` has returned findings. @throws InternalError */
export function requireFindings(rotator: Rotator, findings: Finding[] | undefined): Finding[] {
  const isFinding = (one: unknown): boolean =>
    isObject(one) &&
    typeof Reflect.get(one, 'ok') === 'boolean' &&
    ['check', 'detail'].every((member) => typeof Reflect.get(one, member) === 'string');
  if (Array.isArray(findings) && findings.every(isFinding)) return findings;
  throw faultOf(rotator, 'preflight', 'returned no list of findings, each with check, ok and detail');
}

/** Makes sure that `generate` or `issue` has returned fields that a secret can hold. @throws InternalError */
export function requireFields(rotator: Rotator, member: 'generate' | 'issue', returned: unknown): void {
  if (!isObject(returned) || Array.isArray(returned))
    throw faultOf(rotator, member, "returned no object of the secret's fields");
  const fields = Object.entries(returned).filter(([, value]) => value !== undefined);
  if (fields.length === 0) throw faultOf(rotator, member, 'returned no field');
  const unstorable = fields.find(([, value]) => !isStorable(value));
  if (unstorable === undefined) return;
  const [field, value] = unstorable;
  const hint = isPromise(value) ? ': it is a promise, so an await is missing' : '';
  throw faultOf(rotator, member, `returned a value for "${field}" that JSON can not hold${hint}`);
}

function isStorable(value: unknown): boolean {
  try {
    return !isPromise(value) && JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

/** The code of an error, and what `classify` has done wrong, if anything. */
export interface Classified {
  readonly code: ErrorCode;
  readonly fault?: string;
}

/** The code that `classify` gives an error; TargetFailed if it gives none that exists. */
export function classified(
  rotator: Rotator,
  redactor: Redactor,
  ...[error, during]: Parameters<NonNullable<Rotator['classify']>>
): Classified {
  const code = 'TargetFailed';
  const consequence = `so the error during ${during} counts as ${code}`;
  try {
    const returned: unknown = unawaited(rotator.classify?.(error, during));
    if (isErrorCode(returned)) return { code: returned };
    if (returned === undefined || returned === null) return { code };
    const what = isPromise(returned)
      ? 'a promise'
      : typeof returned === 'string'
        ? `"${redactor.foreign(returned)}", which is no code of Keyturn`
        : 'no text';
    return { code, fault: `returned ${what}, ${consequence}` };
  } catch (thrown) {
    return { code, fault: `threw an error, ${consequence}: ${told(redactor, thrown)}` };
  }
}
