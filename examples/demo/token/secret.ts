import {
  CreateSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { rotatorTag } from '../../../src/index.ts';
import type { TokenServer } from './server.ts';

export const secretName = 'dev/demo/ApiToken';

export async function storeToken(
  client: SecretsManagerClient,
  { url, account, rotator }: TokenServer,
): Promise<void> {
  await client.send(
    new CreateSecretCommand({
      Name: secretName,
      Description: 'The token of the demo application',
      Tags: [{ Key: rotatorTag, Value: rotator.name }],
      SecretString: JSON.stringify({ host: url, ...account }),
    }),
  );
}

/** The token that a version holds. */
export async function readToken(client: SecretsManagerClient, VersionStage: string): Promise<string> {
  const { SecretString = '{}' } = await client.send(
    new GetSecretValueCommand({ SecretId: secretName, VersionStage }),
  );
  const { token }: Record<string, unknown> = JSON.parse(SecretString);
  if (typeof token !== 'string') throw new Error(`${secretName} holds no token.`);
  return token;
}

/** Starts a rotation by a function. It continues after the answer. */
export async function requestRotation(client: SecretsManagerClient, functionArn: string): Promise<void> {
  await client.send(
    new RotateSecretCommand({
      SecretId: secretName,
      RotationLambdaARN: functionArn,
      RotationRules: { AutomaticallyAfterDays: 30 },
    }),
  );
}
