import { type ErrorCode, isKeyturnError, KeyturnError, messageOf } from '../errors.ts';
import type { Activity, Rotator, RotatorContext, Session, Target } from '../rotator.ts';
import type { Run } from './run.ts';

const remedies: Partial<Record<ErrorCode, string>> = {
  TargetUnreachable:
    'Check host and port, and that subnets, security groups and routes let the function reach it.',
  TargetBusy: 'Secrets Manager will retry the rotation; look at the connection limit if this repeats.',
  TlsUnavailable: 'Turn TLS on at the server, or set "ssl": false in the secret.',
  CertificateRejected:
    'Give the CA bundle that signed it (KEYTURN_CA_FILE), or the name it carries ("sslservername").',
  PasswordRejected:
    'Fit EXCLUDE_CHARACTERS and PASSWORD_LENGTH to its policy; the next rotation starts clean.',
  PermissionDenied: 'Grant the account the right to do this.',
  AccountMissing: 'Create the account, or correct its name in the secret.',
  PrivilegesMissing: 'Grant what is missing, then rotate again.',
  DeadlineExceeded: "Raise the function's time-out; Secrets Manager will retry the rotation.",
};

/** Where a target is, for messages. */
export function placeOf({ host, port }: Target): string {
  return port === undefined ? host : `${host}:${port}`;
}

/** Whether another try may do better. Retried are whole pieces of work, never a call inside one that is. */
export function isPassing(error: unknown): boolean {
  return isKeyturnError(error, 'TargetUnreachable', 'TargetBusy', 'Throttled');
}

/** A rotator as the steps use it: counted, traced, and with every error wrapped once. */
export interface GuardedRotator {
  readonly rotator: Rotator;
  readonly context: RotatorContext;
  /** Undefined for a refusal. */
  open(credential: unknown): Promise<Session | undefined>;
  /** Starts to close a session; the step waits for it at its end, and the next login does not. */
  release(session: Session): void;
  /** Runs one of the rotator's remote calls. */
  attempt<T>(activity: Activity, credential: unknown, call: () => Promise<T>): Promise<T>;
  /** Opens, uses and closes; undefined where the credential was refused. */
  using<T>(
    credential: unknown,
    use: (session: Session) => Promise<T>,
  ): Promise<{ readonly result: T } | undefined>;
}

export function guardRotator(rotator: Rotator, run: Run): GuardedRotator {
  const context: RotatorContext = {
    signal: run.signal,
    note: (message) => run.note(message),
    nextRotationAtMs: run.secret.nextRotationAtMs,
  };

  const attempt = async <T>(activity: Activity, credential: unknown, call: () => Promise<T>): Promise<T> => {
    try {
      return await run.trace(`${rotator.name} ${activity}`, call);
    } catch (error) {
      throw explain(error, activity, credential);
    }
  };

  const explain = (error: unknown, activity: Activity, credential: unknown): KeyturnError => {
    if (isKeyturnError(error)) return error;
    const code = run.signal.aborted
      ? 'DeadlineExceeded'
      : (rotator.classify?.(error, activity) ?? 'TargetFailed');
    const place = placeOf(rotator.target(credential));
    return new KeyturnError(
      code,
      `${rotator.name} could not ${activity} at ${place}: ${messageOf(error)}`.replace(/\.?$/, '.'),
      remedies[code] ?? 'Look at the cause; Secrets Manager will retry the rotation.',
      { cause: error },
    );
  };

  const open = (credential: unknown): Promise<Session | undefined> =>
    attempt('open', credential, async () => {
      const session = await rotator.open(credential, context);
      if (session === undefined) run.observed.refusedLogins += 1;
      else run.observed.logins += 1;
      return session;
    });

  const release = (session: Session): void => {
    run.closing.push(session.close());
  };

  return {
    rotator,
    context,
    open,
    attempt,
    release,
    using: async (credential, use) => {
      const session = await open(credential);
      if (session === undefined) return undefined;
      try {
        return { result: await use(session) };
      } finally {
        release(session);
      }
    },
  };
}
