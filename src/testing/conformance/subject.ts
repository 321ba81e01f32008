import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { SecretFields } from '../../documents/fields.ts';
import type { Redactor } from '../../redact.ts';
import { adminFields } from '../../rotation/admin.ts';
import { passwordFor } from '../../rotation/new-password.ts';
import { requireFields } from '../../rotation/valid-rotators.ts';
import type {
  ChangingRotator,
  GenerateContext,
  Overlap,
  Rotator,
  RotatorContext,
  Session,
} from '../../rotator/contract.ts';
import { type Address, overlapOf, type RotatorHarness, type TestAccount } from '../harness.ts';
import { documentOf, secretText } from '../secrets.ts';
import { harnessFault, inTime } from '../valid-harness.ts';

/** A version of an account's secret. */
export interface Version {
  readonly text: string;
  readonly fields: SecretFields;
}

/** How a version is generated. */
export interface GenerateSettings {
  readonly password?: string;
  readonly requestToken?: string;
}

/** How a credential is changed. */
export interface ChangeSettings {
  /** The credential for the session of an account that changes itself. Default: the account's first version. */
  readonly using?: SecretFields;
  /** AWSCURRENT. Default: the account's first version. */
  readonly current?: SecretFields;
  readonly admin?: SecretFields;
  readonly signal?: AbortSignal;
}

/** A rotator and a new account at the target, with the parts of a rotation as the core calls them. */
export interface Subject {
  readonly rotator: Rotator;
  readonly overlap: Overlap;
  /** The rotator, if it changes credentials. Skips the test if the target issues them. */
  changing(): ChangingRotator;
  readonly account: TestAccount;
  /** The admin's credential. Undefined if the account has no admin. */
  admin(): Promise<unknown>;
  /** The secret as it is before any rotation. */
  readonly first: Version;
  /** Skips the test, by throwing. */
  skip(reason: string): never;
  /** The fields with a credential that the target refuses. */
  refused(fields: SecretFields): SecretFields;
  /** The fields with the address of another target. */
  elsewhere(fields: SecretFields, address: Address): SecretFields;
  /** Logs in. Undefined if the target refuses. */
  open(fields: SecretFields, signal?: AbortSignal): Promise<Session | undefined>;
  /** Whether the target accepts a credential. */
  opens(fields: SecretFields): Promise<boolean>;
  /** Logs in, uses the session and closes it. @throws AssertionError if the target refuses */
  using<T>(fields: SecretFields, use: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The version that createSecret would store. */
  generate(from?: Version, settings?: GenerateSettings): Promise<Version>;
  change(pending: SecretFields, settings?: ChangeSettings): Promise<void>;
  /** The credential for the session of a change: the account's or the admin's. */
  changer(settings?: ChangeSettings): SecretFields;
  /** Passes on the admin's session. It is opened when it is asked for. Undefined if the account has no admin. */
  withAdmin<T>(
    current: SecretFields,
    use: (admin: () => Promise<Session | undefined>) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Logs in with the pending credential and verifies it. @throws AssertionError if the target refuses */
  prove(pending: SecretFields): Promise<void>;
}

/** Why a test does not apply. */
export class Skipped extends Error {}

const never = new AbortController().signal;

/** The owner that the tests give to rotators: 12 hexadecimal digits, as the contract promises. */
export const owner = 'c04f0a4a2ce5';

/** The context of the tests' own calls. It drops notes, because the tests of secrecy use the whole handler. */
export function contextOf(signal: AbortSignal = never): RotatorContext {
  return { signal, note: () => undefined };
}

/** Closes a session, if there is one. @throws AssertionError if it was never one; Error if it does not end */
export async function closeSession(session: Session | undefined): Promise<void> {
  if (session === undefined) return;
  requireSession(session);
  await inTime('The close of the session that open has returned', async () => session.close());
}

/** As core does. @throws AssertionError */
function requireSession(session: Session): void {
  const close: unknown = Reflect.get(Object(session), 'close');
  assert.ok(
    typeof close === 'function',
    'open has returned neither a session, which has a function close, nor undefined.',
  );
}

/** Makes the subject of one test. The redactor learns its credentials. */
export function createSubject(harness: RotatorHarness, account: TestAccount, redactor: Redactor): Subject {
  const { rotator } = harness;
  const read = (text: string): Version => {
    const document = documentOf(text, account.tags);
    redactor.learnDocument(document);
    return { text, fields: document.fields };
  };
  redactor.learn(account.admin ?? {});
  const first = read(secretText(account));
  const open = (fields: SecretFields, signal?: AbortSignal) =>
    rotator.open(rotator.parse(fields), contextOf(signal));

  const using = async <T>(
    fields: SecretFields,
    use: (session: Session) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const session = await open(fields, signal);
    assert.ok(
      session !== undefined,
      'The target refuses a credential that should work: open has returned undefined.',
    );
    requireSession(session);
    try {
      return await use(session);
    } finally {
      await closeSession(session);
    }
  };

  const changer = ({ using: own = first.fields, current = first.fields, admin }: ChangeSettings = {}) => {
    if (rotator.kind === 'issues' || rotator.changedBy === 'account') return own;
    const given = admin ?? account.admin;
    if (given === undefined)
      throw harnessFault('account', "returned no admin, and the rotator's changedBy is 'admin'");
    return adminFields(given, current);
  };

  const withAdmin: Subject['withAdmin'] = async (current, use, signal) => {
    let opened: Promise<Session | undefined> | undefined;
    const admin = (): Promise<Session | undefined> => {
      opened ??=
        account.admin === undefined
          ? Promise.resolve(undefined)
          : open(adminFields(account.admin, current), signal);
      return opened;
    };
    try {
      return await use(admin);
    } finally {
      await closeSession(await opened?.catch(() => undefined));
    }
  };

  const skip = (reason: string): never => {
    throw new Skipped(reason);
  };
  const needsTarget = (): void => {
    if (harness.opensNothing === true) skip('the value opens nothing');
  };
  const admin = async (): Promise<unknown> =>
    account.admin === undefined ? undefined : rotator.parse(adminFields(account.admin, first.fields));

  return {
    rotator,
    overlap: overlapOf(harness),
    changing: () =>
      rotator.kind === 'changes' ? rotator : skip('the target issues credentials, and changes none'),
    account,
    first,
    admin,
    open,
    using,
    changer,
    skip,
    refused: (fields) => {
      needsTarget();
      return harness.refused?.(fields) ?? { ...fields, password: `Refused-${randomUUID()}` };
    },
    elsewhere: (fields, address) => {
      needsTarget();
      return harness.elsewhere?.(fields, address) ?? { ...fields, ...address };
    },
    opens: async (fields) => {
      const session = await open(fields);
      await closeSession(session);
      return session !== undefined;
    },
    generate: async (from = first, { password, requestToken = randomUUID() } = {}) => {
      const document = documentOf(from.text, account.tags);
      const credential = rotator.parse(document.fields);
      const making: GenerateContext = {
        note: () => undefined,
        password: (wanted) => password ?? passwordFor(document, wanted),
      };
      const stored = async function* () {
        yield credential;
      };
      const changes =
        rotator.kind === 'changes'
          ? await rotator.generate(credential, making)
          : await rotator.issue(credential, {
              ...contextOf(),
              ...making,
              admin,
              requestToken,
              owner,
              stored,
            });
      requireFields(rotator, rotator.kind === 'changes' ? 'generate' : 'issue', changes);
      return read(document.write(changes));
    },
    change: async (pending, settings = {}) => {
      if (rotator.kind === 'issues') return;
      const { current = first.fields, signal = never } = settings;
      const by = changer(settings);
      const making = {
        ...contextOf(signal),
        using: rotator.parse(by),
        current: rotator.parse(current),
      };
      await withAdmin(
        current,
        (admin) =>
          using(
            by,
            (session) => rotator.change(session, rotator.parse(pending), { ...making, admin }),
            signal,
          ),
        signal,
      );
    },
    withAdmin,
    prove: (pending) =>
      using(pending, async (session) => {
        const current = rotator.parse(first.fields);
        await rotator.verify?.(session, rotator.parse(pending), { ...contextOf(), current });
      }),
  };
}
