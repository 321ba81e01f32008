import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import type { LocalFunction, LocalPrincipal } from '../../src/local/index.ts';
import {
  account,
  allow,
  deny,
  otherAccount,
  policy,
  refusalOf,
  root,
  session,
  startEnforcing,
  user,
} from './access-harness.ts';

const SecretId = 'dev/MyTestConnectionString/SqlServer';
const ofSecret = { Resource: `arn:aws:secretsmanager:us-east-1:${account}:secret:${SecretId}-??????` };
const read = allow(['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'], ofSecret);
const johndoe = user('johndoe', {
  policies: [policy(read, deny('secretsmanager:GetResourcePolicy', ofSecret))],
});
const actions = ['DescribeSecret', 'GetSecretValue', 'GetResourcePolicy'].map(
  (name) => `secretsmanager:${name}`,
);
const allowAllThree = JSON.stringify(policy(allow(actions, { Principal: { AWS: johndoe.arn } })));
const denied =
  `AccessDeniedException: User: ${johndoe.arn} is not authorized to perform: secretsmanager:GetResourcePolicy on ` +
  `resource: ${SecretId} with an explicit deny in an identity-based policy`;

describe('johndoe, who may read a secret and not its policy', () => {
  const start = async (principal: LocalPrincipal) => {
    const harness = await startEnforcing([principal]);
    await harness.as().send(new CreateSecretCommand({ Name: SecretId, SecretString: 'Server=db;Pwd=x' }));
    const client = harness.as(principal);
    const answers = async () => ({
      describe: await refusalOf(client.send(new DescribeSecretCommand({ SecretId }))),
      read: await refusalOf(client.send(new GetSecretValueCommand({ SecretId }))),
      policy: await refusalOf(client.send(new GetResourcePolicyCommand({ SecretId }))),
    });
    return { ...harness, harness, answers };
  };

  it('is refused by the explicit deny, also when a resource policy allows him', async () => {
    const { harness, answers } = await start(johndoe);
    await using _ = harness;
    const refused = { describe: undefined, read: undefined, policy: denied };
    expect(await answers()).toEqual(refused);
    const put = new PutResourcePolicyCommand({ SecretId, ResourcePolicy: allowAllThree });
    await harness.as().send(put);
    expect(await answers()).toEqual(refused);
  });

  it('may, without the deny, what the resource policy allows', async () => {
    const { harness, answers } = await start(user('johndoe', { policies: [policy(read)] }));
    await using _ = harness;
    expect((await answers()).policy).toContain('because no identity-based policy allows the');
    const put = new PutResourcePolicyCommand({ SecretId, ResourcePolicy: allowAllThree });
    await harness.as().send(put);
    expect(await answers()).toEqual({ describe: undefined, read: undefined, policy: undefined });
  });
});

describe('the same secret, rotated by a function of another account', () => {
  const key = {
    arn: `arn:aws:kms:us-east-1:${account}:key/shared`,
    policy: policy(
      allow('kms:*', { Principal: { AWS: `arn:aws:iam::${account}:root` } }),
      allow(['kms:Decrypt', 'kms:GenerateDataKey'], {
        Principal: { AWS: `arn:aws:iam::${otherAccount}:root` },
      }),
    ),
  };
  const lambda = `arn:aws:lambda:us-east-1:${otherAccount}:function:rotate`;
  const needed = ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'];
  const secretActions = needed.map((name) => `secretsmanager:${name}`);
  const role = session(
    'rotate',
    { policies: [policy(allow([...secretActions, 'kms:Decrypt', 'kms:GenerateDataKey']))] },
    otherAccount,
  );
  const shared = JSON.stringify(
    policy(
      allow(secretActions, {
        Principal: { AWS: `arn:aws:iam::${otherAccount}:role/rotate` },
        Condition: { StringEquals: { 'secretsmanager:resource/AllowRotationLambdaArn': lambda } },
      }),
    ),
  );

  const rotate = async (settings: {
    shared: boolean;
    KmsKeyId?: string;
    token?: (given?: string) => string | undefined;
  }) => {
    await using harness = await startEnforcing([role], { keys: [key] });
    const { KmsKeyId } = settings;
    const owner = harness.as();
    const { ARN = '' } = await owner.send(
      new CreateSecretCommand({ Name: SecretId, SecretString: 'old', ...(KmsKeyId && { KmsKeyId }) }),
    );
    if (settings.shared) await owner.send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy: shared }));
    const client = harness.as(role);
    const handler: LocalFunction = async ({ Step, SecretId: arn, ClientRequestToken, RotationToken }) => {
      if (Step === 'createSecret') {
        const token = settings.token ? settings.token(RotationToken) : RotationToken;
        await client.send(
          new PutSecretValueCommand({
            SecretId: arn,
            ClientRequestToken,
            SecretString: 'new',
            VersionStages: ['AWSPENDING'],
            ...(token !== undefined && { RotationToken: token }),
          }),
        );
      }
      if (Step !== 'finishSecret') return;
      const { VersionId } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: arn,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: ClientRequestToken,
          RemoveFromVersionId: VersionId,
        }),
      );
    };
    harness.local.registerFunction(lambda, handler);
    let failure: string | undefined;
    harness.local.on((event) => {
      if (event.type === 'rotation-failed') failure = event.error;
    });
    await owner.send(new RotateSecretCommand({ SecretId, RotationLambdaARN: lambda }));
    await harness.local.rotationsSettled(ARN);
    const { SecretString } = await harness.as(root).send(new GetSecretValueCommand({ SecretId }));
    return { failure, value: SecretString };
  };

  it('rotates when both accounts and the key allow it', async () => {
    expect(await rotate({ shared: true, KmsKeyId: 'shared' })).toEqual({ failure: undefined, value: 'new' });
  });

  it('is refused when the account of the secret does not allow it', async () => {
    expect((await rotate({ shared: false, KmsKeyId: 'shared' })).failure).toContain(
      'because no resource-based policy allows the secretsmanager:PutSecretValue action',
    );
  });

  it('is refused under the AWS managed key, which serves its own account alone', async () => {
    expect((await rotate({ shared: true })).failure).toContain(
      'encrypt the secret with the default KMS service key',
    );
  });

  it.each([
    ['no RotationToken', () => undefined],
    ['one of its own making', () => 'a'.repeat(64)],
    ['one with more after it', (token: string | undefined) => `${token}-x`],
  ])('is refused with %s', async (_what, token) => {
    const { failure, value } = await rotate({ shared: true, KmsKeyId: 'shared', token });
    expect(failure).toContain('AccessDeniedException: The RotationToken is missing');
    expect(value).toBe('old');
  });
});
