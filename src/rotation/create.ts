import { isKeyturnError, KeyturnError } from '../errors.ts';
import { wasRefused } from '../secrets-manager/aws-errors.ts';
import { adminContext } from './admin.ts';
import { giveUpVersion } from './change.ts';
import { ladder, noCredentialAccepted, storedCredentials } from './ladder.ts';
import { passwordFor } from './new-password.ts';
import { retry } from './retry.ts';
import { ownerOf, revokeMinted } from './revocation.ts';
import type { Run } from './run.ts';
import { type StepFunction, serve } from './serve.ts';
import { type GuardedRotator, isPassing } from './target.ts';
import { type LoadedVersion, loadCurrent, loadVersion, rememberVersion } from './versions.ts';

/**
 * Stores the pending credential. A version that has a value keeps it: PutSecretValue never overwrites, so writing
 * first and reading only on a conflict is as safe as looking first, and one call cheaper. What is minted is looked
 * for first.
 */
export const createSecret: StepFunction = async (run) => {
  const current = await loadCurrent(run);
  const guarded = serve(run, current);
  if (guarded.rotator.mints === true && (await isStored(run))) {
    await requireAlive(run, guarded);
    return { outcome: 'kept' };
  }
  const text = await generate(run, guarded, current);
  const takeBack = (): Promise<void> => revokeMinted(run, guarded, current, text);
  if ((await store(run, text, guarded.rotator.mints === true ? takeBack : undefined)) === 'exists')
    return { outcome: 'kept' };
  rememberVersion(run, run.event.token, text);
  return { outcome: 'stored' };
};

async function isStored(run: Run): Promise<boolean> {
  try {
    await loadVersion(run, run.event.token);
    return true;
  } catch (error) {
    if (isKeyturnError(error, 'SecretHasNoValue')) return false;
    throw error;
  }
}

/**
 * What an earlier try has minted may have expired or been revoked since: then it will never be accepted, and a
 * version's value can't be changed, so that such a version must not stay AWSPENDING. A refusal is asked for again, since
 * some targets take a moment to know what they have minted.
 *
 * @throws PendingRefused
 */
async function requireAlive(run: Run, guarded: GuardedRotator): Promise<void> {
  const { document } = await loadVersion(run, run.event.token);
  const pending = guarded.rotator.parse(document.fields);
  const prove = async (): Promise<void> => {
    if ((await guarded.using(pending, async () => true)) === undefined) throw lapsed();
  };
  const mayPass = (error: unknown) => isPassing(error) || isKeyturnError(error, 'PendingRefused');
  try {
    await retry(prove, mayPass, run.signal);
  } catch (error) {
    if (isKeyturnError(error, 'PendingRefused')) await giveUpVersion(run);
    throw error;
  }
}

function lapsed(): KeyturnError {
  return new KeyturnError(
    'PendingRefused',
    'The target refuses the pending credential, which an earlier try has minted.',
    'AWSPENDING was taken off it; the next rotation starts clean.',
  );
}

async function generate(run: Run, guarded: GuardedRotator, current: LoadedVersion): Promise<string> {
  const { rotator } = guarded;
  const { fields } = current.document;
  const credential = rotator.parse(fields);
  if (rotator.mints === true && rotator.changedBy === 'admin') await requireAccepted(run, guarded, current);
  const changes = await guarded.attempt('generate', credential, () =>
    rotator.generate(credential, {
      ...adminContext(run, guarded, fields),
      requestToken: run.event.token,
      owner: ownerOf(run),
      stored: () => storedCredentials(run, rotator, { current, currentCredential: credential }),
      password: (wanted) => {
        const password = passwordFor(current.document, wanted, run.configuration.password);
        run.redactor.learnValue(password);
        return password;
      },
    }),
  );
  run.redactor.learn(changes);
  return current.document.write(changes);
}

/**
 * The admin mints for an account only once a stored credential of that account was accepted: whoever may write the
 * secret could otherwise have a credential made for any account (a confused deputy).
 *
 * @throws NoCredentialAccepted
 */
async function requireAccepted(run: Run, guarded: GuardedRotator, current: LoadedVersion): Promise<void> {
  const currentCredential = guarded.rotator.parse(current.document.fields);
  const pair = { current, currentCredential, pending: current, pendingCredential: currentCredential };
  for await (const { credential } of ladder(run, guarded.rotator, pair)) {
    if ((await guarded.using(credential, async () => true)) !== undefined) return;
  }
  throw noCredentialAccepted(false);
}

/** @param takeBack revokes what was minted, where it turns out that it is in no version */
async function store(
  run: Run,
  text: string,
  takeBack: (() => Promise<void>) | undefined,
): Promise<'stored' | 'exists'> {
  const { token, rotationToken } = run.event;
  try {
    const answer = await run.secretsManager.putPending(run.secret.arn, { token, text, rotationToken });
    if (answer === 'exists') await takeBack?.();
    return answer;
  } catch (error) {
    // An answer that was lost leaves open whether it is stored: the retry looks, and a sweep finds the rest.
    if (wasRefused(error)) await takeBack?.();
    throw error;
  }
}
