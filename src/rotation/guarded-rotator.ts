import { isCauseName, stepFor } from '../doctor/causes.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { Activity, Rotator, RotatorContext, Session, Target } from '../rotator/contract.ts';
import type { Run } from './run.ts';
import { addressOf, requireSameTarget } from './targets.ts';
import { codeOf, requireSession, targetOf } from './valid-rotators.ts';

/** Whether another try may do better. Retry only whole pieces of work, not the calls in them: else the tries multiply. */
export function isTransient(error: unknown): boolean {
  return isKeyturnError(error, 'TargetUnreachable', 'TargetBusy', 'Throttled');
}

/** A login whose connection is already open. */
export interface PreparedLogin {
  /** Logs in, as {@link GuardedRotator.open}. */
  open(): Promise<Session | undefined>;
  /** Closes the connection if it was not used. */
  close(): void;
}

/** A rotator as the steps use it. Its calls are counted and traced, and each error is wrapped once. */
export interface GuardedRotator<Kind extends Rotator = Rotator> {
  readonly rotator: Kind;
  readonly context: RotatorContext;
  /**
   * Logs in with a credential of the secret; undefined if it is refused.
   *
   * @throws TargetChanged, before anything is sent, if the credential's target is not AWSCURRENT's
   */
  open(credential: unknown): Promise<Session | undefined>;
  /** Opens a connection for the login after a change; undefined if the rotator prepares none. */
  prepare(credential: unknown): Promise<PreparedLogin | undefined>;
  /** Logs in with the admin secret's credential. `loadAdmin` has compared its server. */
  openAdmin(credential: unknown): Promise<Session | undefined>;
  /** Starts to close a session. The end of the step waits for it; the next login doesn't. */
  release(session: Session): void;
  /**
   * Runs one of the rotator's remote calls with a credential of the secret.
   *
   * @throws TargetChanged, before the call, if the credential's target is not AWSCURRENT's
   */
  attempt<T>(activity: Activity, credential: unknown, call: () => Promise<T>): Promise<T>;
  /**
   * Logs in, uses the session and closes it; undefined if the credential was refused.
   *
   * @param prepared an open connection for that login
   */
  withSession<T>(
    credential: unknown,
    use: (session: Session) => Promise<T>,
    prepared?: PreparedLogin,
  ): Promise<{ readonly result: T } | undefined>;
}

/**
 * Wraps a rotator for one rotation.
 *
 * @param target AWSCURRENT's. Each credential that the rotator gets must be for it. Otherwise, whoever may only write the
 * secret could have an older version's credential sent to a server of their own
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

  const toKeyturnError = (error: unknown, activity: Activity, credential: unknown): KeyturnError => {
    if (isKeyturnError(error)) return error;
    const code = run.signal.aborted ? 'DeadlineExceeded' : codeOf(rotator, error, activity);
    const place = addressOf(targetOf(rotator, credential));
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
      throw toKeyturnError(error, activity, credential);
    }
  };

  const logIn = (
    credential: unknown,
    connect: () => Promise<Session | undefined> = () => rotator.open(credential, context),
  ): Promise<Session | undefined> =>
    traced('open', credential, async () => {
      const session = requireSession(rotator, await connect());
      if (session === undefined) run.observed.refusedLogins += 1;
      else run.observed.logins += 1;
      return session;
    });

  const open = async (credential: unknown): Promise<Session | undefined> => {
    requireSameTarget(target, targetOf(rotator, credential));
    return logIn(credential);
  };

  const release = (session: Session): void => {
    // A session whose close() throws must not fail the step: its work is done.
    const close = async (): Promise<void> => session.close();
    run.closing.push(close().catch(() => undefined));
  };

  return {
    rotator,
    context,
    open,
    prepare: async (credential) => {
      if (rotator.kind !== 'changes' || rotator.prepare === undefined) return undefined;
      requireSameTarget(target, targetOf(rotator, credential));
      const prepared = await rotator.prepare(credential, context);
      return {
        open: () => logIn(credential, () => prepared.open(context)),
        close: () => prepared.close(),
      };
    },
    openAdmin: (credential) => logIn(credential),
    release,
    attempt: async (activity, credential, call) => {
      requireSameTarget(target, targetOf(rotator, credential));
      return traced(activity, credential, call);
    },
    withSession: async (credential, use, prepared) => {
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
