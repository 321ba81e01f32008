import { stepFor } from '../doctor/causes.ts';
import { isKeyturnError, KeyturnError } from '../errors.ts';
import type { Session } from '../rotator/contract.ts';
import { isTransient, type PreparedLogin } from './guarded-rotator.ts';
import { retry } from './retry.ts';
import type { Rotation, Version } from './versions.ts';

/**
 * Logs in with the pending credential, and has the rotator verify that it can do its work.
 *
 * @param prepared an open connection for the first try
 * @throws PendingRefused
 */
export async function provePending(
  rotation: Rotation,
  pending: Version,
  prepared?: PreparedLogin,
): Promise<void> {
  const { run, guarded, current } = rotation;
  const { rotator, context } = guarded;
  const verify = (session: Session) =>
    guarded.attempt('verify', pending.credential, async () =>
      rotator.verify?.(session, pending.credential, { ...context, current: current.credential }),
    );
  let connection = prepared;
  const prove = () => {
    const unused = connection;
    connection = undefined;
    return guarded.withSession(pending.credential, verify, unused);
  };
  if ((await retry(prove, isTransient, run.signal)) === undefined) {
    throw new KeyturnError(
      'PendingRefused',
      'The target refuses the pending credential.',
      stepFor('PendingRefused'),
    );
  }
  run.memory.rememberProof(run.secret.arn, pending.id);
}

/**
 * Makes sure that the target accepts AWSCURRENT, if it is this rotation's version already. Usually setSecret has proved it
 * and then moved the label, so nothing is left to do. But a person may have moved the label to a stuck version.
 *
 * @throws CurrentRefused
 */
export async function proveCurrent({ run, guarded, current }: Rotation): Promise<void> {
  const { arn } = run.secret;
  if (run.memory.isProven(arn, current.id)) return;
  await requireCurrentAccepted({ run, guarded, current });
  run.memory.rememberProof(arn, current.id);
}

/**
 * Logs in with AWSCURRENT.
 *
 * @throws CurrentRefused, with `problem` if it is given
 */
export async function requireCurrentAccepted(
  { run, guarded, current }: Pick<Rotation, 'run' | 'guarded' | 'current'>,
  problem?: string,
): Promise<void> {
  const prove = async (): Promise<void> => {
    if ((await guarded.withSession(current.credential, async () => true)) === undefined)
      throw currentRefused(problem);
  };
  // A target may take a moment to accept what it has just issued. A password's refusal counts towards a lockout: no retry.
  const isIssued = guarded.rotator.kind === 'issues';
  const mayPass = (error: unknown) =>
    isTransient(error) || (isIssued && isKeyturnError(error, 'CurrentRefused'));
  await retry(prove, mayPass, run.signal);
}

/** The error if the target refuses a version that is AWSCURRENT already. */
export function currentRefused(
  problem = 'AWSCURRENT is on the version of this rotation already, and the target refuses it.',
): KeyturnError {
  return new KeyturnError('CurrentRefused', problem, stepFor('CurrentRefused'));
}
