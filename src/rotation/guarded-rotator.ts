import { isCauseName, stepFor } from '../doctor/causes.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { Activity, Rotator, RotatorContext, Session, Target } from '../rotator/contract.ts';
import type { Run } from './run.ts';
import { placeOf, requireSameTarget } from './targets.ts';

/** Whether another try may do better. Retried are whole pieces of work, never a call inside one that is. */
export function isTransient(error: unknown): boolean {
  return isKeyturnError(error, 'TargetUnreachable', 'TargetBusy', 'Throttled');
}

/** A login whose connection stands. */
export interface PreparedLogin {
  /** As {@link GuardedRotator.open}. */
  open(): Promise<Session | undefined>;
  /** Leaves nothing open. */
  close(): void;
}

/** A rotator as the steps use it: counted, traced, and with every error wrapped once. */
export interface GuardedRotator<Kind extends Rotator = Rotator> {
  readonly rotator: Kind;
  readonly context: RotatorContext;
  /**
   * Logs in with a credential of the secret. Undefined for a refusal.
   *
   * @throws TargetChanged, before anything is sent, for a credential of another target than AWSCURRENT's
   */
  open(credential: unknown): Promise<Session | undefined>;
  /** Opens a connection for a login that follows a change; undefined where the rotator prepares none. */
  prepare(credential: unknown): Promise<PreparedLogin | undefined>;
  /** Logs in with the admin secret's credential, whose server was compared when it was loaded. */
  openAdmin(credential: unknown): Promise<Session | undefined>;
  /** Starts to close a session; the step waits for it at its end, and the next login does not. */
  release(session: Session): void;
  /**
   * Runs one of the rotator's remote calls, which is about a credential of the secret.
   *
   * @throws TargetChanged, before the call, for a credential of another target than AWSCURRENT's
   */
  attempt<T>(activity: Activity, credential: unknown, call: () => Promise<T>): Promise<T>;
  /**
   * Opens, uses and closes; undefined where the credential was refused.
   *
   * @param prepared a connection for that login, which need not be opened anew
   */
  using<T>(
    credential: unknown,
    use: (session: Session) => Promise<T>,
    prepared?: PreparedLogin,
  ): Promise<{ readonly result: T } | undefined>;
}

/**
 * @param target AWSCURRENT's. Every credential that the rotator is called with has to be for the same: whoever may only
 * write the secret could otherwise have an older version's credential, or the admin's, sent to a server of his own
 */
export function guardRotator<Kind extends Rotator>(
  rotator: Kind,
  target: Target,
  run: Run,
): GuardedRotator<Kind> {
  const context: RotatorContext = {
    signal: run.signal,
    note: (message) => run.note(message),
    nextRotationAtMs: run.secret.nextRotation?.getTime(),
  };

  const explain = (error: unknown, activity: Activity, credential: unknown): KeyturnError => {
    if (isKeyturnError(error)) return error;
    const code = run.signal.aborted
      ? 'DeadlineExceeded'
      : (rotator.classify?.(error, activity) ?? 'TargetFailed');
    const place = placeOf(rotator.target(credential));
    const told = run.redactor.describe(error);
    return new KeyturnError(
      code,
      `${rotator.name} could not ${activity} at ${place}: ${told}`.replace(/\.?$/, '.'),
      stepFor(isCauseName(code) ? code : 'TargetFailed'),
      { cause: error },
    );
  };

  const traced = async <T>(activity: Activity, credential: unknown, call: () => Promise<T>): Promise<T> => {
    try {
      return await run.trace(`${rotator.name} ${activity}`, call);
    } catch (error) {
      throw explain(error, activity, credential);
    }
  };

  const logIn = (
    credential: unknown,
    connect: () => Promise<Session | undefined> = () => rotator.open(credential, context),
  ): Promise<Session | undefined> =>
    traced('open', credential, async () => {
      const session = await connect();
      if (session === undefined) run.observed.refusedLogins += 1;
      else run.observed.logins += 1;
      return session;
    });

  const open = async (credential: unknown): Promise<Session | undefined> => {
    requireSameTarget(target, rotator.target(credential));
    return logIn(credential);
  };

  const release = (session: Session): void => {
    // A session that breaks its promise must not end the process, nor undo what was done in it.
    run.closing.push(session.close().catch(() => undefined));
  };

  return {
    rotator,
    context,
    open,
    prepare: async (credential) => {
      if (rotator.kind !== 'changes' || rotator.prepare === undefined) return undefined;
      requireSameTarget(target, rotator.target(credential));
      const prepared = await rotator.prepare(credential, context);
      return {
        open: () => logIn(credential, () => prepared.open(context)),
        close: () => prepared.close(),
      };
    },
    openAdmin: (credential) => logIn(credential),
    release,
    attempt: async (activity, credential, call) => {
      requireSameTarget(target, rotator.target(credential));
      return traced(activity, credential, call);
    },
    using: async (credential, use, prepared) => {
      const session = await (prepared?.open() ?? open(credential));
      if (session === undefined) return undefined;
      try {
        return { result: await use(session) };
      } finally {
        release(session);
      }
    },
  };
}
