import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutResourcePolicyCommand,
  type SecretsManagerClient,
  ValidateResourcePolicyCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { type LocalPrincipal, startLocalSecretsManager } from '../../src/local/index.ts';
import {
  account,
  allow,
  deny,
  otherAccount,
  policy,
  refusalOf,
  session,
  user,
  withSecret,
} from './access-harness.ts';

const read = (client: SecretsManagerClient, SecretId: string) =>
  refusalOf(client.send(new GetSecretValueCommand({ SecretId })));

const mayRead = policy(allow('secretsmanager:GetSecretValue'));
const notAllowed = 'because no identity-based policy allows the secretsmanager:GetSecretValue action';

describe('kinds of policies', () => {
  const answerTo = (principal: LocalPrincipal, resourcePolicy?: object) =>
    withSecret([principal], async (harness, SecretId) => {
      const ResourcePolicy = JSON.stringify(resourcePolicy);
      if (resourcePolicy) await harness.as().send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy }));
      return (await read(harness.as(principal), SecretId))?.replace(SecretId, 'ARN');
    });
  const says = ({ arn }: LocalPrincipal, reason: string) =>
    `AccessDeniedException: User: ${arn} is not authorized to perform: secretsmanager:GetSecretValue on resource: ARN ${reason}`;

  it('an identity policy has to allow it', async () => {
    const nobody = user('nobody');
    expect(await answerTo(nobody)).toBe(says(nobody, notAllowed));
    expect(await answerTo(user('reader', { policies: [mayRead] }))).toBeUndefined();
  });

  it('or a resource policy of the same account, which can also deny it', async () => {
    const [nobody, reader] = [user('nobody'), user('reader', { policies: [mayRead] })];
    const all = { Principal: { AWS: `arn:aws:iam::${account}:user/nobody` } };
    expect(await answerTo(nobody, policy(allow('secretsmanager:GetSecretValue', all)))).toBeUndefined();
    expect(await answerTo(reader, policy(deny('secretsmanager:GetSecretValue', { Principal: '*' })))).toBe(
      says(reader, 'with an explicit deny in a resource-based policy'),
    );
  });

  it('a permissions boundary limits what an identity policy allows', async () => {
    const outside = user('outside', { policies: [mayRead], permissionsBoundary: policy(allow('s3:*')) });
    const inside = user('inside', { policies: [mayRead], permissionsBoundary: mayRead });
    expect(await answerTo(outside)).toBe(
      says(outside, 'because no permissions boundary allows the secretsmanager:GetSecretValue action'),
    );
    expect(await answerTo(inside)).toBeUndefined();
  });

  it('a session policy limits what the role may', async () => {
    const narrow = session('narrow', { policies: [mayRead], sessionPolicy: policy(allow('s3:*')) });
    const refused = session('refused', { policies: [mayRead], sessionPolicy: policy(deny('*')) });
    expect(await answerTo(narrow)).toBe(
      says(narrow, 'because no session policy allows the secretsmanager:GetSecretValue action'),
    );
    expect(await answerTo(refused)).toBe(says(refused, 'with an explicit deny in a session policy'));
    expect(await answerTo(session('wide', { policies: [mayRead], sessionPolicy: mayRead }))).toBeUndefined();
  });
});

describe('across accounts', () => {
  const key = {
    arn: `arn:aws:kms:us-east-1:${account}:key/shared`,
    aliases: ['alias/shared'],
    policy: policy(
      allow('kms:*', { Principal: { AWS: `arn:aws:iam::${account}:root` } }),
      allow('kms:Decrypt', { Principal: { AWS: `arn:aws:iam::${otherAccount}:root` } }),
    ),
  };
  const open = policy(
    allow('secretsmanager:GetSecretValue', { Principal: { AWS: `arn:aws:iam::${otherAccount}:root` } }),
  );
  const answerTo = (policies: LocalPrincipal['policies'], KmsKeyId: string, keys = [key]) => {
    const guest = user('guest', { policies }, otherAccount);
    return withSecret(
      [guest],
      async (harness, SecretId) => {
        const before = await read(harness.as(guest), SecretId);
        const ResourcePolicy = JSON.stringify(open);
        await harness.as().send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy }));
        return { before, after: await read(harness.as(guest), SecretId) };
      },
      { KmsKeyId, keys },
    );
  };

  it('both accounts have to allow it, and the key its own account and the caller’s', async () => {
    const { before, after } = await answerTo([mayRead, policy(allow('kms:Decrypt'))], 'alias/shared');
    expect(before).toContain(
      'because no resource-based policy allows the secretsmanager:GetSecretValue action',
    );
    expect(after).toBeUndefined();
    expect((await answerTo(undefined, 'shared')).after).toContain(notAllowed);
    expect((await answerTo([mayRead], 'shared')).after).toBe(
      'AccessDeniedException: Access to KMS is not allowed',
    );
  });

  it('a key without a policy of its own serves its own account', async () => {
    const policies = [mayRead, policy(allow('kms:Decrypt'))];
    expect((await answerTo(policies, key.arn, [])).after).toBe(
      'AccessDeniedException: Access to KMS is not allowed',
    );
  });
});

describe('what a refusal tells', () => {
  const ofShop = allow('*', { Resource: `arn:aws:secretsmanager:us-east-1:${account}:secret:shop-??????` });
  const reader = user('reader', { policies: [policy(ofShop)] });

  it('not whether a secret exists', () =>
    withSecret([reader], async (harness) => {
      await harness.as().send(new CreateSecretCommand({ Name: 'theirs', SecretString: 'x' }));
      const client = harness.as(reader);
      const refusals = await Promise.all(['theirs', 'nowhere'].map((name) => read(client, name)));
      expect(refusals).toEqual(
        ['theirs', 'nowhere'].map(
          (name) =>
            `AccessDeniedException: User: ${reader.arn} is not authorized to perform: secretsmanager:GetSecretValue on resource: ${name} ${notAllowed}`,
        ),
      );
    }));

  it('no resource, for an action that has none', () =>
    withSecret([reader], async (harness) => {
      expect(await refusalOf(harness.as(reader).send(new ListSecretsCommand({})))).toBe(
        `AccessDeniedException: User: ${reader.arn} is not authorized to perform: secretsmanager:ListSecrets because no identity-based policy allows the secretsmanager:ListSecrets action`,
      );
    }));

  it('which secrets of a batch are refused', async () => {
    const batch = user('batch', {
      policies: [policy(allow('secretsmanager:BatchGetSecretValue'), ofShop)],
    });
    await withSecret([batch], async (harness) => {
      await harness.as().send(new CreateSecretCommand({ Name: 'theirs', SecretString: 'x' }));
      const client = harness.as(batch);
      const SecretIdList = ['shop', 'theirs', 'nowhere'];
      const { SecretValues, Errors } = await client.send(new BatchGetSecretValueCommand({ SecretIdList }));
      expect(SecretValues?.map(({ Name }) => Name)).toEqual(['shop']);
      expect(Errors?.map(({ ErrorCode }) => ErrorCode)).toEqual(Array(2).fill('AccessDeniedException'));
      const Filters = [{ Key: 'name' as const, Values: ['shop'] }];
      expect(await refusalOf(client.send(new BatchGetSecretValueCommand({ Filters })))).toContain(
        'secretsmanager:ListSecrets',
      );
    });
  });
});

describe('operations that need more than their own action', () => {
  const mayCreate = user('creator', {
    policies: [policy(allow(['secretsmanager:CreateSecret', 'secretsmanager:ValidateResourcePolicy']))],
  });
  it.each([
    [
      'TagResource',
      (c: SecretsManagerClient) =>
        c.send(new CreateSecretCommand({ Name: 'n', SecretString: 'x', Tags: [{ Key: 'a', Value: 'b' }] })),
    ],
    [
      'ReplicateSecretToRegions',
      (c: SecretsManagerClient) =>
        c.send(
          new CreateSecretCommand({
            Name: 'n',
            SecretString: 'x',
            AddReplicaRegions: [{ Region: 'eu-west-1' }],
          }),
        ),
    ],
    [
      'PutResourcePolicy',
      (c: SecretsManagerClient) => c.send(new ValidateResourcePolicyCommand({ ResourcePolicy: '{}' })),
    ],
  ])('%s', (action, call) =>
    withSecret([mayCreate], async (harness) => {
      expect(await refusalOf(call(harness.as(mayCreate)))).toContain(`secretsmanager:${action}`);
    }),
  );
});

describe('principals that are none', () => {
  const starting = (principals: readonly LocalPrincipal[]) =>
    refusalOf(startLocalSecretsManager({ policies: 'enforce', principals }));

  it.each([
    ['an ARN of another kind', [user('x', { arn: 'arn:aws:iam::123456789012:role/x' })], 'no user'],
    ['a session without a token', [session('x', { sessionToken: undefined })], 'needs a session token'],
    ['a user with one', [user('x', { sessionToken: 't' })], 'must have no session token'],
    ['an access key of two', [user('x'), user('x')], 'the access key AKIAX'],
    ['a policy that is none', [user('x', { policies: [{ Statement: 'all' }] })], "can't be evaluated"],
  ])('%s', async (_what, principals, problem) => {
    expect(await starting(principals)).toContain(problem);
  });

  it.each([
    ['principals', { principals: [user('x')] }],
    ['roles', { roles: [] }],
    ['keys', { keys: [] }],
  ])('%s are refused where policies are not enforced', async (name, options) => {
    const refusal = await refusalOf(startLocalSecretsManager(options));
    expect(refusal).toContain(`${name} has no effect without policies: 'enforce'`);
  });
});
