import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import type { LocalPrincipal, PolicyJson } from '../../src/local/index.ts';
import { account, policy, refusalOf, session, user, withSecret } from './access-harness.ts';

/*
 * Policies as aws-cdk-lib 2 synthesises them for a `secretsmanager.Secret` under a `kms.Key`: by `grantRead`,
 * `grantWrite` and `denyAccountRootDelete`, and in the key's own policy. Their secret is `*` here.
 */
const reads = {
  Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
  Effect: 'Allow',
  Resource: '*',
};
const writes = {
  Action: [
    'secretsmanager:PutSecretValue',
    'secretsmanager:UpdateSecret',
    'secretsmanager:UpdateSecretVersionStage',
  ],
  Effect: 'Allow',
  Resource: '*',
};
const ofCurrent = {
  ...reads,
  Condition: { 'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': ['AWSCURRENT'] } },
};
const accountRoot = `arn:aws:iam::${account}:root`;
const undeletable = policy({
  Action: 'secretsmanager:DeleteSecret',
  Effect: 'Deny',
  Principal: { AWS: accountRoot },
  Resource: '*',
});

const reader = session('Reader', { policies: [policy(reads)] });
const readerOfCurrent = session('ReaderOfCurrent', { policies: [policy(ofCurrent)] });
const writer = session('Writer', { policies: [policy(reads, writes)] });
const owner = user('owner', { policies: [policy({ Action: '*', Effect: 'Allow', Resource: '*' })] });
const principals = [reader, readerOfCurrent, writer, owner];

const keyArn = `arn:aws:kms:us-east-1:${account}:key/cdk`;

/** What the key's policy gives a role, by way of Secrets Manager. */
function keyPolicy(...granted: { readonly role: string; readonly actions: readonly string[] }[]): PolicyJson {
  const Condition = { StringEquals: { 'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com' } };
  const grants = granted.map(({ role, actions }) => ({
    Action: actions,
    Condition,
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${account}:role/${role}` },
    Resource: '*',
  }));
  return policy(
    { Action: 'kms:*', Effect: 'Allow', Principal: { AWS: accountRoot }, Resource: '*' },
    ...grants,
  );
}

/** The names of the calls that each of the principals is refused, in the order of the calls. */
function refusedOf(
  principal: LocalPrincipal,
  more: Parameters<typeof withSecret>[2] = {},
): Promise<string[]> {
  return withSecret(
    principals,
    async (harness, SecretId) => {
      const ResourcePolicy = JSON.stringify(undeletable);
      await harness.as().send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy }));
      const client = harness.as(principal);
      const calls = {
        get: () => client.send(new GetSecretValueCommand({ SecretId })),
        getCurrent: () => client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' })),
        describe: () => client.send(new DescribeSecretCommand({ SecretId })),
        put: () => client.send(new PutSecretValueCommand({ SecretId, SecretString: 'next' })),
        delete: () => client.send(new DeleteSecretCommand({ SecretId })),
      };
      const refused: string[] = [];
      for (const [name, call] of Object.entries(calls)) {
        const refusal = await refusalOf(call());
        if (refusal !== undefined) expect(refusal).toMatch(/^AccessDeniedException: /);
        if (refusal !== undefined) refused.push(name);
      }
      return refused;
    },
    more,
  );
}

describe('what the CDK grants', () => {
  it('by grantRead is to read and describe, of whatever stage it names', async () => {
    expect(await refusedOf(reader)).toEqual(['put', 'delete']);
    // A request without a stage has nothing to compare, so this grant does not allow it.
    expect(await refusedOf(readerOfCurrent)).toEqual(['get', 'describe', 'put', 'delete']);
  });

  it('by grantWrite is to put', async () => {
    expect(await refusedOf(writer)).toEqual(['delete']);
  });

  it('by denyAccountRootDelete is to nobody of the account to delete', async () => {
    expect(await refusedOf(owner)).toEqual(['delete']);
  });

  it('under a key is by the key’s policy, for those who are named there', async () => {
    const actions = ['kms:Decrypt', 'kms:Encrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*'];
    const granted = keyPolicy({ role: 'Reader', actions: ['kms:Decrypt'] }, { role: 'Writer', actions });
    const under = { KmsKeyId: keyArn, keys: [{ arn: keyArn, policy: granted }] };
    expect(await refusedOf(reader, under)).toEqual(['put', 'delete']);
    expect(await refusedOf(writer, under)).toEqual(['delete']);
    expect(await refusedOf(readerOfCurrent, under)).toEqual([
      'get',
      'getCurrent',
      'describe',
      'put',
      'delete',
    ]);
  });
});
