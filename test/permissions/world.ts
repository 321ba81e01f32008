import {
  CreateSecretCommand,
  type SecretsManagerClient,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { type PolicyJson, startLocalSecretsManager } from '../../src/local/index.ts';
import type { RotatorHarness, TestAccount } from '../../src/testing/index.ts';
import { functionKey, type TestSecretsManager } from '../../src/testing/secrets.ts';
import { clientOf, root, session } from '../local/access-harness.ts';
import { type HandlerSettings, type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { names } from './role.ts';

/** A Secrets Manager that enforces policies. The function has a role with these policies, and the test may do everything. */
function startWith(policies: readonly PolicyJson[]) {
  return async (retryDelaysMs: readonly number[] = []): Promise<TestSecretsManager> => {
    const role = session('rotation', { accessKeyId: functionKey, policies });
    const local = await startLocalSecretsManager({
      retryDelaysMs,
      policies: 'enforce',
      principals: [root, role],
    });
    const [client, functionClient] = [clientOf(local, root), clientOf(local, role)];
    const close = async () => {
      client.destroy();
      functionClient.destroy();
      await local.close();
    };
    return { local, client, functionClient, close };
  };
}

/** Runs `use` in a world in which the function has this policy. */
export async function withRole<T>(
  policy: PolicyJson,
  settings: HandlerSettings,
  use: (fixture: RotationFixture) => Promise<T>,
): Promise<T> {
  const fixture = await startFixture(settings, 0, startWith([policy]));
  try {
    return await use(fixture);
  } finally {
    await fixture.close();
  }
}

/** Stores a secret under a key that the role may use. */
export async function createUnderKey(fixture: RotationFixture, value: unknown): Promise<string> {
  const SecretId = await fixture.createSecret(value);
  await fixture.client.send(new UpdateSecretCommand({ SecretId, KmsKeyId: names.secretKey }));
  return SecretId;
}

/** Stores a secret by a name that the role knows. */
export async function createNamed(
  client: SecretsManagerClient,
  Name: string,
  value: object,
  more: { readonly KmsKeyId?: string; readonly tags?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { KmsKeyId, tags = {} } = more;
  const created = await client.send(
    new CreateSecretCommand({
      Name,
      SecretString: JSON.stringify(value),
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      ...(KmsKeyId !== undefined && { KmsKeyId }),
    }),
  );
  return created.ARN ?? '';
}

/** Stores the secret of an account, and its admin secret by a name that the role knows. */
export async function storeAccount(
  fixture: RotationFixture,
  { secret, tags, admin }: TestAccount,
): Promise<string> {
  const masterarn = admin && (await createNamed(fixture.client, names.admin, admin));
  return fixture.createSecret(typeof secret === 'string' ? secret : { ...secret, masterarn }, tags);
}

/** Rotates twice, so that there is an AWSPREVIOUS. @returns the error; undefined if there was none */
export function rotateTwice(
  policy: PolicyJson,
  { rotator, account }: RotatorHarness,
): Promise<string | undefined> {
  return withRole(policy, { rotators: [rotator] }, async (fixture) => {
    const arn = await storeAccount(fixture, await account());
    return (await fixture.rotate(arn)) ?? (await fixture.rotate(arn));
  });
}
