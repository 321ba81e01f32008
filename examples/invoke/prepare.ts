import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { LocalSecretsManager, RotationRequest } from '../../src/local/index.ts';
import type { Target } from './target.ts';

/** A local Secrets Manager and its client. */
export interface Store {
  readonly local: LocalSecretsManager;
  readonly client: SecretsManagerClient;
}

/**
 * Stores the target's secret, and does by hand what the steps before the event's step would do.
 * @param event a rotation's event; its secret is replaced
 * @returns the event with the ARN of the new secret
 */
export async function prepareStep(
  { local, client }: Store,
  target: Target,
  event: RotationRequest,
): Promise<RotationRequest> {
  const { ARN: SecretId = '' } = await client.send(
    new CreateSecretCommand({
      Name: event.SecretId.replace(/^.*:secret:(.*)-.{6}$/, '$1'),
      SecretString: JSON.stringify(target.secret),
      Tags: Object.entries(target.tags ?? {}).map(([Key, Value]) => ({ Key, Value })),
    }),
  );
  // This function fails at once. That leaves rotation turned on and AWSPENDING on a version without a value.
  const RotationLambdaARN = local.registerFunction('stopped', () => Promise.reject(new Error('Stopped.')));
  const { ClientRequestToken, Step } = event;
  await client.send(
    new RotateSecretCommand({
      SecretId,
      ClientRequestToken,
      RotationLambdaARN,
      RotationRules: { AutomaticallyAfterDays: 30 },
    }),
  );
  await local.rotationsSettled(SecretId);
  if (Step !== 'createSecret') {
    const { fields, accept } = target.renew();
    const SecretString = JSON.stringify({ ...target.secret, ...fields });
    const VersionStages = ['AWSPENDING'];
    await client.send(
      new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString, VersionStages }),
    );
    if (Step !== 'setSecret') await accept();
  }
  return { ...event, SecretId };
}

/** The secret's staging labels by version. */
export async function labelsOf(
  client: SecretsManagerClient,
  SecretId: string,
): Promise<Readonly<Record<string, readonly string[]>>> {
  return (await client.send(new DescribeSecretCommand({ SecretId }))).VersionIdsToStages ?? {};
}
