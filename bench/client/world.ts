import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { createRotationHandler } from '../../src/index.ts';
import { type LocalSecretsManager, startLocalSecretsManager } from '../../src/local/index.ts';
import type { Rotator } from '../../src/rotator/index.ts';

/** A local Secrets Manager with a rotation function in this process, and a client for each application. */
export interface World {
  createSecret(value: object, tags?: Readonly<Record<string, string>>): Promise<string>;
  /** Rotates a secret. @throws Error if the rotation has failed */
  rotate(arn: string): Promise<void>;
  /** Makes a client for one application, and counts its calls. */
  client(): { readonly client: SecretsManagerClient; calls(): number };
}

export async function startWorld(
  rotators: readonly Rotator[],
  resources: AsyncDisposableStack,
): Promise<World> {
  const local = await startLocalSecretsManager({ retryDelaysMs: [1] });
  resources.defer(() => local.close());
  const client = clientOf(local, 'bench', resources);
  const handler = createRotationHandler({
    rotators: [...rotators],
    client: clientOf(local, 'function', resources),
  });
  const RotationLambdaARN = local.registerFunction('rotate', handler);
  let failure: string | undefined;
  const calls = new Map<string, number>();
  local.on((event) => {
    if (event.type === 'rotation-failed' && !event.willRetry) failure = event.error;
    if (event.type === 'call') calls.set(event.accessKeyId, (calls.get(event.accessKeyId) ?? 0) + 1);
  });
  return {
    createSecret: async (value, tags = {}) => {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      const command = new CreateSecretCommand({
        Name: randomUUID(),
        SecretString: JSON.stringify(value),
        Tags,
      });
      return (await client.send(command)).ARN ?? '';
    },
    rotate: async (SecretId) => {
      const RotationRules = { AutomaticallyAfterDays: 30 };
      await client.send(new RotateSecretCommand({ SecretId, RotationLambdaARN, RotationRules }));
      await local.rotationsSettled(SecretId);
      if (failure !== undefined) throw new Error(`A rotation failed: ${failure}`);
    },
    client: () => {
      const name = `application-${randomUUID()}`;
      return { client: clientOf(local, name, resources), calls: () => calls.get(name) ?? 0 };
    },
  };
}

function clientOf(
  { clientConfig }: LocalSecretsManager,
  accessKeyId: string,
  resources: AsyncDisposableStack,
): SecretsManagerClient {
  const client = new SecretsManagerClient({
    ...clientConfig,
    credentials: { accessKeyId, secretAccessKey: 'unused' },
  });
  resources.defer(() => client.destroy());
  return client;
}
