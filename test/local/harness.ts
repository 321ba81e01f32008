import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { expect, onTestFinished } from 'vitest';
import {
  type LocalEvent,
  type LocalFunction,
  type LocalSecretsManager,
  type LocalSecretsManagerOptions,
  startLocalSecretsManager,
} from '../../src/local/index.ts';

/** A local Secrets Manager with AWS's own client, ended with the test. */
export interface Harness {
  readonly local: LocalSecretsManager;
  readonly client: SecretsManager;
  /** Everything it told so far. */
  readonly events: LocalEvent[];
}

export async function start(options: LocalSecretsManagerOptions = {}): Promise<Harness> {
  const local = await startLocalSecretsManager({ retryDelaysMs: [], ...options });
  const client = clientOf(local);
  const events: LocalEvent[] = [];
  local.on((event) => events.push(event));
  onTestFinished(() => local.close());
  return { local, client, events };
}

export function clientOf({ clientConfig }: Pick<LocalSecretsManager, 'clientConfig'>): SecretsManager {
  const client = new SecretsManager({ ...clientConfig, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
}

/** An empty folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The ARN of a function in the account and region of unsigned requests. */
export function functionArn(name: string): string {
  return `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
}

/** A token that the API takes, told apart by a short word. */
export function token(word: string): string {
  return word.padEnd(32, '-');
}

/** Expects AWS's error by its name and its message. */
export async function expectError(
  call: Promise<unknown>,
  name: string,
  message: string | RegExp,
): Promise<void> {
  const matching = typeof message === 'string' ? message : expect.stringMatching(message);
  await expect(call).rejects.toMatchObject({ name, message: matching });
}

/** A rotation function that does what AWS's templates do, with a value made of the token. */
export function plainRotation(
  client: SecretsManager,
  valueFor = (token: string): string => `value of ${token}`,
): LocalFunction {
  return async ({ Step, SecretId, ClientRequestToken, RotationToken }) => {
    if (Step === 'createSecret') {
      const SecretString = valueFor(ClientRequestToken);
      await client.putSecretValue({
        SecretId,
        ClientRequestToken,
        RotationToken,
        SecretString,
        VersionStages: ['AWSPENDING'],
      });
    }
    if (Step === 'finishSecret') await moveCurrent(client, SecretId, ClientRequestToken);
  };
}

export async function moveCurrent(
  client: SecretsManager,
  SecretId: string,
  versionId: string,
): Promise<void> {
  const { VersionIdsToStages = {} } = await client.describeSecret({ SecretId });
  const current = Object.keys(VersionIdsToStages).find((id) =>
    VersionIdsToStages[id]?.includes('AWSCURRENT'),
  );
  if (current === versionId) return;
  await client.updateSecretVersionStage({
    SecretId,
    VersionStage: 'AWSCURRENT',
    MoveToVersionId: versionId,
    RemoveFromVersionId: current,
  });
}

/** The labels by version, sorted so that they can be compared. */
export async function stagesOf(client: SecretsManager, SecretId: string): Promise<Record<string, string[]>> {
  const { VersionIdsToStages = {} } = await client.describeSecret({ SecretId });
  return Object.fromEntries(
    Object.entries(VersionIdsToStages).map(([id, stages]) => [id, [...stages].sort()]),
  );
}
