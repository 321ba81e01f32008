import { randomUUID } from 'node:crypto';
import {
  CancelRotateSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import {
  type LocalSecretsManager,
  type ManualClock,
  manualClock,
  startLocalSecretsManager,
} from '../../local/index.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';
import type { RotatorHarness, TestAccount } from '../harness.ts';
import { storeAccount } from '../secrets.ts';
import type { ChildPool } from './child-pool.ts';
import { createDriver, type Driver } from './driver.ts';
import { createTestFunction, plentyMs } from './function.ts';
import { createInvariants, type Invariants } from './invariants.ts';
import { givenUp, type Recovery } from './recovery.ts';
import { isRead } from './secrets-manager.ts';
import { createStoredReader } from './stored.ts';

/** The outcome of the last rotation. */
export interface Outcome {
  readonly succeeded: boolean;
  readonly attempts: number;
  readonly error: string | undefined;
}

/** An account at the target, its secret at a local Secrets Manager, the function under test, and an operator. */
export interface World extends Pick<Driver, 'trace' | 'seen' | 'fired' | 'violation' | 'plan' | 'resume'> {
  readonly invariants: Invariants;
  readonly outcome: Outcome;
  /** Calls RotateSecret, and waits for the rotation's end. */
  rotate(): Promise<void>;
  /** Takes AWSPENDING off a version that is not current. */
  clearPending(): Promise<void>;
  cancel(): Promise<void>;
  /** Lets time pass until the schedule's next rotation, and waits for its end. */
  nextSchedule(): Promise<void>;
  close(): Promise<void>;
}

const dayMs = 86_400_000;
const days = 30;

/**
 * Sets up a cell or a walk. If the rotator revokes, one rotation is made first, so that there is something to revoke.
 *
 * @param children runs the function in another process
 */
export async function startWorld(harness: RotatorHarness, children?: ChildPool): Promise<World> {
  const clock = manualClock(Date.UTC(2030, 0, 1));
  const local = await startLocalSecretsManager({ clock, retryDelaysMs: [1] });
  let account: TestAccount | undefined;
  try {
    account = await harness.account();
    return await createWorld({ harness, children, clock, local, account });
  } catch (error) {
    // An open server would keep the process alive.
    await local.close();
    await account?.remove?.();
    throw error;
  }
}

interface WorldParts {
  readonly harness: RotatorHarness;
  readonly children: ChildPool | undefined;
  readonly clock: ManualClock;
  readonly local: LocalSecretsManager;
  readonly account: TestAccount;
}

async function createWorld({ harness, children, clock, local, account }: WorldParts): Promise<World> {
  const client = new SecretsManagerClient(local.clientConfig);
  const { arn } = await storeAccount(client, account);
  const read = rereadOnChange(local, createStoredReader(client, arn));
  const invariants = createInvariants({ harness, account, read });
  const { clientConfig } = local;
  const driver = createDriver({
    invariants,
    read,
    start: async (checkpoint) =>
      children?.start({ clientConfig, checkpoint }) ??
      createTestFunction({ rotator: harness.rotator, clientConfig, checkpoint, busy: harness.busy }),
  });
  const outcomes = followRotations(local);
  const lambdaArn = local.registerFunction('rotate', driver.handler, { timeoutMs: plentyMs });
  const settled = async (): Promise<void> => {
    await local.rotationsSettled();
    await driver.settled();
  };

  const world: World = {
    trace: driver.trace,
    get seen() {
      return driver.seen;
    },
    get fired() {
      return driver.fired;
    },
    get violation() {
      return driver.violation;
    },
    get outcome() {
      return outcomes();
    },
    invariants,
    plan: driver.plan,
    resume: driver.resume,
    rotate: async () => {
      driver.trace.push('RotateSecret');
      await driver.remember();
      await client
        .send(
          new RotateSecretCommand({
            SecretId: arn,
            ClientRequestToken: randomUUID(),
            RotationLambdaARN: lambdaArn,
            RotationRules: { AutomaticallyAfterDays: days },
          }),
        )
        .catch(tolerateUnfinished);
      await settled();
    },
    clearPending: async () => {
      driver.trace.push('An operator takes AWSPENDING off');
      const { stages } = await read();
      const holder = versionWith(stages, 'AWSPENDING');
      if (holder === undefined || holder === versionWith(stages, 'AWSCURRENT')) return;
      await driver.remember();
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: arn,
          VersionStage: 'AWSPENDING',
          RemoveFromVersionId: holder,
        }),
      );
    },
    cancel: async () => {
      driver.trace.push('An operator cancels the rotation');
      await driver.remember();
      await client.send(new CancelRotateSecretCommand({ SecretId: arn }));
    },
    nextSchedule: async () => {
      driver.trace.push("The schedule's next rotation");
      await driver.remember();
      await clock.advance((days + 1) * dayMs);
      await settled();
    },
    close: async () => {
      await driver.close();
      client.destroy();
      await local.close();
      await account.remove?.();
    },
  };
  if (harness.rotator.kind === 'issues' && harness.rotator.revoke !== undefined) {
    await world.rotate();
    driver.plan(undefined);
  }
  return world;
}

/** Caches a read until a call may have changed the secret. Most calls don't. */
function rereadOnChange<T>(local: LocalSecretsManager, read: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  local.on((event) => {
    if (event.type !== 'call' || !isRead(event.operation)) known = undefined;
  });
  return () => {
    known ??= read();
    return known;
  };
}

/** If a rotation is unfinished, AWS answers this error, and tries that rotation again. */
function tolerateUnfinished(error: unknown): void {
  if (!String(error).includes("A previous rotation isn't complete")) throw error;
}

/** The outcome of the rotation that ran last. */
function followRotations(local: LocalSecretsManager): () => Outcome {
  let outcome: Outcome = { succeeded: false, attempts: 0, error: 'No rotation ran.' };
  local.on((event) => {
    if (event.type === 'rotation-started')
      outcome = { ...outcome, succeeded: false, attempts: event.attempt };
    if (event.type === 'rotation-succeeded') outcome = { ...outcome, succeeded: true, error: undefined };
    if (event.type === 'rotation-failed') outcome = { ...outcome, error: event.error };
  });
  return () => outcome;
}

/** A rotation may need one more attempt after a fault. */
const mostAttempts = 2;

/** Lets a rotation recover. @returns the broken promise, or undefined */
export async function recover(world: World, recovery: Recovery): Promise<string | undefined> {
  if (givenUp.has(recovery)) {
    if (recovery === 'pending-cleared') await world.clearPending();
    if (recovery === 'cancelled') await world.cancel();
    if (recovery === 'next-schedule') await world.nextSchedule();
    else await world.rotate();
  }
  if (world.violation !== undefined) return world.violation;
  const { succeeded, attempts, error } = world.outcome;
  if (!succeeded) return `The rotation did not recover: ${error}`;
  return attempts > mostAttempts ? `It took ${attempts} attempts.` : undefined;
}
