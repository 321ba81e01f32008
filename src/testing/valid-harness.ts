import { isDeepStrictEqual } from 'node:util';
import type { SecretFields } from '../documents/fields.ts';
import { KeyturnError } from '../errors.ts';
import { createRedactor } from '../redact.ts';
import { sensitiveIn } from '../redaction/sensitive.ts';
import {
  aBoolean,
  aFunction,
  fieldsOfSecret,
  frozen,
  isObject,
  isPromise,
  oneOf,
  type Rule,
  requireCredential,
  required,
  requireValidRotators,
  texts,
  unawaited,
  wrongMembers,
} from '../rotation/valid-rotators.ts';
import type { Rotator } from '../rotator/contract.ts';
import type { RotatorHarness, TestAccount } from './harness.ts';
import { type Member, replaceMembers } from './replace-members.ts';
import { documentOf, secretText } from './secrets.ts';

/*
 * TypeScript checks a harness when it is compiled. Harnesses in JavaScript are checked here, as rotators are in
 * `valid-rotators.ts`: first their members, then what the members return.
 */

/** How long a call of the rotator or of the harness may take, in ms. Shorter than a test's time, so that the call is named. */
const longestCallMs = 100_000;

const aModule: Rule = {
  is: '{ url: the URL of a module, settings: anything that JSON can hold }',
  fits: (value) => isObject(value) && typeof Reflect.get(value, 'url') === 'string',
};

const ofHarness = {
  account: required(aFunction),
  refused: aFunction,
  elsewhere: aFunction,
  busy: aFunction,
  overlap: oneOf('none', 'until-next-rotation'),
  opensNothing: aBoolean,
  passwords: texts,
  module: aModule,
} satisfies Record<Exclude<keyof RotatorHarness, 'rotator'>, Rule>;

const tags: Rule = {
  is: 'an object of texts',
  fits: (value) =>
    fieldsOfSecret.fits(value) &&
    isObject(value) &&
    Object.values(value).every((text) => typeof text === 'string'),
};

const ofAccount = {
  secret: required({
    is: "the secret's text, or an object of its fields",
    fits: (value) => (typeof value === 'string' ? value !== '' : fieldsOfSecret.fits(value)),
  }),
  tags,
  admin: fieldsOfSecret,
  digest: aFunction,
  countOrphans: aFunction,
  remove: aFunction,
} satisfies Record<keyof TestAccount, Rule>;

/** The error for a harness whose member is wrong, or did what its type excludes. It is no failure of the rotator. */
export function harnessFault(
  member: string,
  fault: string,
  cause?: unknown,
  remedy = 'Correct the harness: docs/rotators.md says what its members are.',
): KeyturnError {
  return new KeyturnError(
    'InvalidConfiguration',
    `The harness has a fault: its ${member} ${fault}.`,
    remedy,
    {
      field: member,
      cause,
    },
  );
}

/**
 * Checks a harness. The one that is returned also checks what the members return, and that the calls of the harness and
 * of its rotator end.
 *
 * @throws InvalidConfiguration for a member that is missing or of a wrong type, and for a rotator that is none
 */
export function checkedHarness(harness: RotatorHarness): RotatorHarness {
  if (!isObject(harness))
    throw new KeyturnError(
      'InvalidConfiguration',
      'There is no harness.',
      'Pass an object with the members rotator and account: see docs/rotators.md.',
    );
  requireValidRotators([harness.rotator]);
  const wrong = wrongMembers(harness, ofHarness);
  if (wrong.length > 0)
    throw new KeyturnError(
      'InvalidConfiguration',
      `The harness has faults: ${wrong.join('; ')}.`,
      'Correct the harness: docs/rotators.md says what its members are.',
    );
  const { overlap, opensNothing, passwords, module } = harness;
  const made = new Set<string>();
  const account = async (): Promise<TestAccount> => {
    const returned = await inTime('The account of the harness', async () => harness.account());
    const checked = checkedAccount(returned, opensNothing === true);
    // A test would find what another one has changed at the target.
    if (opensNothing !== true && made.has(secretText(checked)))
      throw harnessFault(
        'account',
        'returned the same account twice: make a new one at the target for each call',
      );
    made.add(secretText(checked));
    return checked;
  };
  return {
    rotator: watchedRotator(harness.rotator),
    account,
    ...(harness.refused && {
      refused: (fields) => otherFields('refused', fields, harness.refused?.(frozen(fields))),
    }),
    ...(harness.elsewhere && {
      elsewhere: (fields, address) =>
        otherFields('elsewhere', fields, harness.elsewhere?.(frozen(fields), address)),
    }),
    ...(harness.busy && { busy: () => anError(harness.busy?.()) }),
    ...(overlap && { overlap }),
    ...(opensNothing !== undefined && { opensNothing }),
    ...(passwords && { passwords }),
    ...(module && { module }),
  };
}

/** @throws InvalidConfiguration for an account that is none */
function checkedAccount(account: TestAccount, opensNothing: boolean): TestAccount {
  if (!isObject(account))
    throw harnessFault('account', 'returned no account, an object with the member secret');
  const [wrong] = wrongMembers(account, ofAccount);
  if (wrong !== undefined) {
    const keys = Object.keys(account);
    const found = keys.length === 0 ? '' : ` (the object has ${keys.join(', ')})`;
    throw harnessFault('account', `returned an object whose ${wrong}${found}`);
  }
  if (!opensNothing) requireMaskable('secret', documentOf(secretText(account), account.tags).fields);
  if (account.admin !== undefined) requireMaskable('admin secret', account.admin);
  return {
    secret: account.secret,
    ...(account.tags && { tags: account.tags }),
    ...(account.admin && { admin: account.admin }),
    ...(account.digest && {
      digest: async () => {
        const digest: unknown = await inTime('The digest of an account', async () => account.digest?.());
        if (typeof digest === 'string') return digest;
        throw harnessFault('account', 'returned an account whose digest answers no text');
      },
    }),
    ...(account.countOrphans && {
      countOrphans: async (needed) => {
        const count: unknown = await inTime('The countOrphans of an account', async () =>
          account.countOrphans?.(needed),
        );
        if (typeof count === 'number' && Number.isInteger(count) && count >= 0) return count;
        throw harnessFault('account', 'returned an account whose countOrphans answers no whole number');
      },
    }),
    ...(account.remove && {
      remove: () => inTime('The remove of an account', async () => account.remove?.()),
    }),
  };
}

/**
 * Makes sure that the credentials of an account can be told from other words. Else no test could see whether a log shows
 * them, and the messages of drivers would not be shown at all (see redact.ts).
 *
 * @throws InvalidConfiguration, which names the field
 */
function requireMaskable(what: string, fields: SecretFields): void {
  if (!withholds(fields)) return;
  const isHarmless = ([field, value]: [string, unknown]): boolean =>
    [...sensitiveIn({ [field]: value })].length === 0;
  const harmless = Object.fromEntries(Object.entries(fields).filter(isHarmless));
  const common = Object.keys(fields).filter((field) => withholds({ ...harmless, [field]: fields[field] }));
  const named = common.map((field) => `"${field}"`).join(' and ');
  throw harnessFault(
    'account',
    `returned an account whose ${what} has a credential in ${named} that is too short or too common to be told from other words in a message`,
    undefined,
    'Make it of 12 or more random letters and digits, anew for each account. It must not be a public value too, such as the username.',
  );
}

function withholds(fields: SecretFields): boolean {
  const redactor = createRedactor();
  redactor.learn(fields);
  return redactor.withholds();
}

/** @throws InvalidConfiguration unless a member has returned fields, and others than it was given */
function otherFields(
  member: 'refused' | 'elsewhere',
  given: SecretFields,
  returned: SecretFields | undefined,
): SecretFields {
  if (isPromise(returned)) throw harnessFault(member, 'returned a promise: it must return fields');
  if (returned === undefined || !fieldsOfSecret.fits(returned))
    throw harnessFault(member, "returned no object of the secret's fields");
  if (isDeepStrictEqual(returned, given)) throw harnessFault(member, 'returned the fields that it was given');
  return returned;
}

function anError(returned: Error | undefined): Error {
  if (returned instanceof Error) return returned;
  throw harnessFault('busy', 'returned no Error: it must return what the driver throws');
}

/** The members of a rotator that return promises. */
const remote: ReadonlySet<string> = new Set([
  'open',
  'prepare',
  'generate',
  'issue',
  'change',
  'verify',
  'preflight',
  'excessRights',
  'explainRefusal',
  'endReplaced',
  'revoke',
  'revokeOrphans',
]);

/** A rotator whose calls must end, and whose credentials are frozen as in core. */
function watchedRotator(rotator: Rotator): Rotator {
  return replaceMembers(rotator, (name, member): Member => {
    if (name === 'parse') return (...args) => requireCredential(rotator, unawaited(member(...args)));
    if (!remote.has(name)) return member;
    return (...args) => inTime(`The rotator's ${name}`, async () => member(...args));
  });
}

/**
 * Waits for a call.
 *
 * @param name what is called, to begin a sentence with
 * @throws Error that names the call, if it does not end within `mostMs`
 */
export async function inTime<T>(name: string, call: () => Promise<T>, mostMs = longestCallMs): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(
      new Error(`${name} has not ended within ${mostMs / 1000} seconds. Does it await what never comes?`),
    );
  }, mostMs);
  try {
    return await Promise.race([call(), promise]);
  } finally {
    clearTimeout(timer);
  }
}
