import { isCauseName, stepFor } from '../doctor/causes.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { Activity, Prepared, Rotator, RotatorContext, Session, Target } from '../rotator/contract.ts';
import type { Run } from './run.ts';
import { addressOf, requireSameTarget } from './targets.ts';
import {
  classified,
  faultIn,
  isPrepared,
  requireNotFalse,
  requireSession,
  targetOf,
  told,
  unawaited,
} from './valid-rotators.ts';

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
  /** Starts to close a session. The end of the step waits for it, but not for long; the next login doesn't. */
  release(session: Session): void;
  /** Closes a session, and waits for it, but not for long. Never throws: the log says what went wrong. */
  close(session: Session): Promise<void>;
  /**
   * Runs one of the rotator's remote calls with a credential of the secret.
   *
   * @param member the rotator's member that is called. Default: the activity's own
   * @throws TargetChanged, before the call, if the credential's target is not AWSCURRENT's
   */
  attempt<T>(activity: Activity, credential: unknown, call: () => Promise<T>, member?: string): Promise<T>;
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

/** The member that is called for an activity. Two activities have another one as well. */
const members: Readonly<Record<Activity, string>> = {
  open: 'open',
  generate: 'generate',
  issue: 'issue',
  'compare rights': 'excessRights',
  change: 'change',
  verify: 'verify',
  preflight: 'preflight',
  revoke: 'revoke',
  'revoke orphans': 'revokeOrphans',
};

/** How long the end of a step waits for a session to close, in ms. Nobody needs it any more. */
const longestCloseMs = 3_000;

/**
 * What a call may take after the signal has fired, in ms. It is a part of the time that is kept in reserve: Lambda ends the
 * process soon, and then nothing can be logged.
 */
const afterSignalMs = 150;

/** Calls `late` if the work goes on for `mostMs`, or a moment after the signal has fired. @returns what ends the watch */
function watch(signal: AbortSignal, late: () => void, mostMs?: number): () => void {
  const timers = mostMs === undefined ? [] : [setTimeout(late, mostMs)];
  const fired = (): void => void timers.push(setTimeout(late, afterSignalMs));
  if (signal.aborted) fired();
  else signal.addEventListener('abort', fired, { once: true });
  return () => {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', fired);
  };
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

  const warned = new Set<string>();
  /** Tells the author of the rotator about a fault that does not stop the rotation. */
  const warn = (member: string, fault: string): void => {
    const warning = faultIn(rotator, member, fault);
    if (warned.has(warning)) return;
    warned.add(warning);
    run.note(warning);
  };

  const toKeyturnError = (error: unknown, activity: Activity, credential: unknown): KeyturnError => {
    if (isKeyturnError(error)) return error;
    const { code, fault } = run.signal.aborted
      ? { code: 'DeadlineExceeded' as const }
      : classified(rotator, run.redactor, error, activity);
    if (fault !== undefined) warn('classify', fault);
    const place = addressOf(targetOf(rotator, credential, run.redactor));
    return new KeyturnError(
      code,
      `${rotator.name} could not ${activity} at ${place}: ${told(run.redactor, error)}.`,
      stepFor(isCauseName(code) ? code : 'TargetFailed'),
      { cause: error },
    );
  };

  /**
   * The call is waited for, even if it goes on too long. It may change the target, so the step must not end before it: when
   * the time is up, Lambda ends the process.
   */
  const watched = async <T>(member: string, call: () => Promise<T>): Promise<T> => {
    const late = () =>
      warn(member, 'goes on after its signal has fired: pass context.signal to everything that waits');
    const end = watch(run.signal, late);
    try {
      return await call();
    } finally {
      end();
    }
  };

  const traced = async <T>(
    activity: Activity,
    credential: unknown,
    call: () => Promise<T>,
    member: string = members[activity],
  ): Promise<T> => {
    try {
      return await run.trace(`${rotator.name} ${activity}`, () => watched(member, call));
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
    requireSameTarget(target, targetOf(rotator, credential, run.redactor));
    return logIn(credential);
  };

  const close = async (session: Session): Promise<void> => {
    let end = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      const giveUp = (): void => {
        warn('open', 'returned a session whose close did not end in time: its connection may stay open');
        resolve();
      };
      end = watch(run.signal, giveUp, longestCloseMs);
    });
    const closed = async (): Promise<void> => {
      try {
        await session.close();
      } catch (error) {
        // It must not fail the step, whose work is done.
        warn('open', `returned a session whose close threw an error: ${told(run.redactor, error)}`);
      }
    };
    await Promise.race([closed(), late]).finally(() => end());
  };

  const release = (session: Session): void => {
    run.closing.push(close(session));
  };

  const prepare = async (credential: unknown): Promise<PreparedLogin | undefined> => {
    if (rotator.kind !== 'changes' || rotator.prepare === undefined) return undefined;
    requireSameTarget(target, targetOf(rotator, credential, run.redactor));
    // Without a prepared connection only time is lost: the login opens one of its own.
    let prepared: Prepared<Session> | undefined;
    try {
      prepared = await watched('prepare', async () => rotator.prepare?.(credential, context));
    } catch (error) {
      const thrown = told(run.redactor, error);
      warn('prepare', `threw an error, which open of what it returns should do: ${thrown}`);
      return undefined;
    }
    if (!isPrepared(prepared)) {
      warn('prepare', 'returned no object with the functions open and close');
      return undefined;
    }
    const connection = prepared;
    return {
      open: () => logIn(credential, () => connection.open(context)),
      close: () => {
        const failed = (error: unknown): void =>
          warn('prepare', `returned an object whose close threw an error: ${told(run.redactor, error)}`);
        try {
          unawaited<unknown>(connection.close(), failed);
        } catch (error) {
          failed(error);
        }
      },
    };
  };

  return {
    rotator,
    context,
    open,
    prepare,
    openAdmin: (credential) => logIn(credential),
    release,
    close,
    attempt: async (activity, credential, call, member = members[activity]) => {
      requireSameTarget(target, targetOf(rotator, credential, run.redactor));
      const returned = await traced(activity, credential, call, member);
      requireNotFalse(rotator, member, returned);
      return returned;
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
