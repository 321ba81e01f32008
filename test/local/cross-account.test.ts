import {
  CreateSecretCommand,
  type CreateSecretRequest,
  DescribeSecretCommand,
  SecretsManager,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it, onTestFinished } from 'vitest';
import { account, allow, deny, otherAccount, policy, root, startEnforcing, user } from './access-harness.ts';
import { expectError, stagesOf, start, token } from './harness.ts';

// The SDK's client lacks these operations still.
type Answer = Readonly<Record<string, unknown>>;

async function call(url: string, accountId: string, operation: string, input: object, region = 'us-east-1') {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': `secretsmanager.${operation}`,
      Authorization: `AWS4-HMAC-SHA256 Credential=${accountId}/20260101/${region}/secretsmanager/aws4_request`,
    },
    body: JSON.stringify({ ClientRequestToken: crypto.randomUUID(), ...input }),
  });
  const answer: Answer = JSON.parse(await response.text());
  return answer;
}

async function startPair() {
  const { local } = await start();
  const clientOf = (accountId: string) => {
    const credentials = { accessKeyId: accountId, secretAccessKey: 'x' };
    const client = new SecretsManager({ ...local.clientConfig, credentials, maxAttempts: 1 });
    onTestFinished(() => client.destroy());
    return client;
  };
  const [here, there] = [clientOf(account), clientOf(otherAccount)];
  const ask = (accountId: string) => (operation: string, input: object) =>
    call(local.url, accountId, operation, input);
  const [asPrimary, asReplica] = [ask(account), ask(otherAccount)];
  const { ARN: primary = '' } = await here.createSecret({
    Name: 'n',
    SecretString: '1',
    ClientRequestToken: token('one'),
  });
  const made = await asReplica('CreateSecret', {
    Name: 'copy',
    KmsKeyId: 'alias/there',
    CrossAccountPrimaryARN: primary,
    Tags: [{ Key: 'own', Value: 'tag' }],
  });
  const replica = String(made.ARN);
  const associate = (more: object = {}) =>
    asPrimary('AssociateCrossAccountReplica', { SecretId: 'n', CrossAccountReplicaARN: replica, ...more });
  return { local, here, there, asPrimary, asReplica, primary, replica, made, associate };
}

describe('a replica in another account', () => {
  it('waits without a value, and then follows AWSCURRENT of its primary', async () => {
    const { here, there, asPrimary, asReplica, primary, replica, made, associate } = await startPair();
    expect(made).toEqual({ ARN: expect.stringContaining(`:${otherAccount}:secret:copy-`), Name: 'copy' });
    const statusOf = async () => [
      (await asPrimary('DescribeSecret', { SecretId: 'n' })).CrossAccountReplicas,
      (await asReplica('DescribeSecret', { SecretId: 'copy' })).CrossAccountPrimary,
    ];
    expect(await statusOf()).toEqual([
      undefined,
      { PrimarySecretARN: primary, ReplicationStatus: 'Pending' },
    ]);
    await expectError(there.getSecretValue({ SecretId: 'copy' }), 'ResourceNotFoundException', /AWSCURRENT/);

    const ReplicationRoleARN = `arn:aws:iam::${account}:role/replicator`;
    expect(await associate({ ReplicationRoleARN, ReplicaRestriction: 'NoRestriction' })).toEqual({
      ARN: primary,
      CrossAccountReplicaARN: replica,
      ReplicationStatus: 'InProgress',
    });
    expect(await statusOf()).toEqual([
      [{ ReplicaSecretARN: replica, ReplicationRoleARN, ReplicationStatus: 'InSync' }],
      { PrimarySecretARN: primary, ReplicationStatus: 'InSync' },
    ]);
    expect(await there.getSecretValue({ SecretId: 'copy' })).toMatchObject({
      SecretString: '1',
      VersionId: token('one'),
    });

    await here.putSecretValue({
      SecretId: 'n',
      SecretString: 'not yet',
      ClientRequestToken: token('pending'),
      VersionStages: ['AWSPENDING'],
    });
    await here.putSecretValue({ SecretId: 'n', SecretString: '2', ClientRequestToken: token('two') });
    expect((await there.getSecretValue({ SecretId: 'copy' })).SecretString).toBe('2');
    const stages = { [token('one')]: ['AWSPREVIOUS'], [token('two')]: ['AWSCURRENT'] };
    expect(await stagesOf(there, 'copy')).toEqual(stages);
    await here.updateSecretVersionStage({
      SecretId: 'n',
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: token('one'),
      RemoveFromVersionId: token('two'),
    });
    expect((await there.getSecretValue({ SecretId: 'copy' })).SecretString).toBe('1');
    expect((await there.listSecretVersionIds({ SecretId: 'copy' })).Versions).toMatchObject([
      { KmsKeyIds: ['alias/there'] },
      { KmsKeyIds: ['alias/there'] },
    ]);
  });

  it('has its own tags, policies and key, and refuses to be changed otherwise or deleted', async () => {
    const { there, associate } = await startPair();
    await associate();
    const SecretId = 'copy';
    await there.tagResource({ SecretId, Tags: [{ Key: 'team', Value: 'b' }] });
    const ResourcePolicy = JSON.stringify(policy(deny('secretsmanager:DeleteSecret', { Principal: '*' })));
    await there.putResourcePolicy({ SecretId, ResourcePolicy });
    await there.updateSecret({ SecretId, KmsKeyId: 'alias/next' });
    expect(await there.describeSecret({ SecretId })).toMatchObject({
      KmsKeyId: 'alias/next',
      Tags: [
        { Key: 'own', Value: 'tag' },
        { Key: 'team', Value: 'b' },
      ],
    });
    expect((await there.getSecretValue({ SecretId })).SecretString).toBe('1');
    for (const change of [
      there.putSecretValue({ SecretId, SecretString: 'x' }),
      there.updateSecret({ SecretId, SecretString: 'x' }),
      there.updateSecret({ SecretId, Description: 'x' }),
      there.updateSecret({ SecretId, KmsKeyId: '' }),
      there.updateSecret({ SecretId, KmsKeyId: 'alias/aws/secretsmanager' }),
      there.updateSecretVersionStage({ SecretId, VersionStage: 'x', MoveToVersionId: token('one') }),
      there.rotateSecret({ SecretId }),
      there.replicateSecretToRegions({ SecretId, AddReplicaRegions: [{ Region: 'eu-west-1' }] }),
      there.deleteSecret({ SecretId }),
      there.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true }),
    ]) {
      await expectError(change, 'InvalidParameterException', /cross-account replica/);
    }
  });

  it('is detached by its primary, and stands alone when it is told to', async () => {
    const { here, there, asPrimary, asReplica, primary, replica, associate } = await startPair();
    await associate();
    await expectError(
      here.deleteSecret({ SecretId: 'n', ForceDeleteWithoutRecovery: true }),
      'InvalidParameterException',
      /still has the cross-account replica/,
    );
    const names = { SecretId: 'n', CrossAccountReplicaARN: replica };
    expect(await asPrimary('DisassociateCrossAccountReplica', names)).toEqual({
      ARN: primary,
      CrossAccountReplicaARN: replica,
    });
    expect(await asPrimary('DescribeSecret', { SecretId: 'n' })).not.toHaveProperty('CrossAccountReplicas');
    expect(await asReplica('DescribeSecret', { SecretId: 'copy' })).toMatchObject({
      CrossAccountPrimary: { ReplicationStatus: 'Detached' },
    });
    await here.putSecretValue({ SecretId: 'n', SecretString: '2' });
    expect((await there.getSecretValue({ SecretId: 'copy' })).SecretString).toBe('1');
    await expectError(
      there.deleteSecret({ SecretId: 'copy' }),
      'InvalidParameterException',
      /StopReplication/,
    );
    expect(await asPrimary('DisassociateCrossAccountReplica', names)).toMatchObject({
      __type: 'ResourceNotFoundException',
    });

    // Associated anew, it is repaired.
    await associate();
    expect((await there.getSecretValue({ SecretId: 'copy' })).SecretString).toBe('2');
    expect((await there.stopReplicationToReplica({ SecretId: 'copy' })).ARN).toBe(replica);
    expect(await asReplica('DescribeSecret', { SecretId: 'copy' })).not.toHaveProperty('CrossAccountPrimary');
    expect(await asPrimary('DescribeSecret', { SecretId: 'n' })).toMatchObject({
      CrossAccountReplicas: [{ ReplicaSecretARN: replica, ReplicationStatus: 'Detached' }],
    });
    await there.putSecretValue({ SecretId: 'copy', SecretString: 'mine' });
    expect(await associate()).toMatchObject({ __type: 'InvalidRequestException' });
    await here.deleteSecret({ SecretId: 'n' });
  });

  it.each([
    [{ KmsKeyId: undefined }, 'customer managed key'],
    [{ KmsKeyId: 'alias/aws/secretsmanager' }, 'customer managed key'],
    [{ SecretString: 'x' }, 'SecretString'],
    [{ SecretBinary: 'eA==' }, 'SecretBinary'],
    [{ Description: 'x' }, 'Description'],
    [{ AddReplicaRegions: [{ Region: 'eu-west-1' }] }, 'AddReplicaRegions'],
    [{ Type: 'x' }, 'Type'],
    [
      { CrossAccountPrimaryARN: `arn:aws:secretsmanager:us-east-1:${otherAccount}:secret:n-AbCdEf` },
      'different accounts',
    ],
    [
      { CrossAccountPrimaryARN: `arn:aws:secretsmanager:eu-west-1:${account}:secret:n-AbCdEf` },
      'same Region',
    ],
    [
      { CrossAccountPrimaryARN: `arn:aws-cn:secretsmanager:us-east-1:${account}:secret:n-AbCdEf` },
      'same Region',
    ],
    [{ CrossAccountPrimaryARN: 'arn:aws:s3:::a-bucket-of-mine' }, 'not that of a secret'],
  ])('is not made with %j', async (more: Partial<CreateSecretRequest> | object, words) => {
    const { asReplica, primary } = await startPair();
    const input = { Name: 'other', KmsKeyId: 'alias/there', CrossAccountPrimaryARN: primary, ...more };
    expect(await asReplica('CreateSecret', input)).toEqual({
      __type: 'InvalidParameterException',
      Message: expect.stringContaining(words),
    });
  });

  it('is associated with the primary that it was made for, by the account of that, and no second one', async () => {
    const { asPrimary, asReplica, primary, replica, associate, here } = await startPair();
    const refusal = async (input: object, as = asPrimary) =>
      (await as('AssociateCrossAccountReplica', input)).__type;
    const names = { SecretId: primary, CrossAccountReplicaARN: replica };
    expect(await refusal({ ...names, CrossAccountReplicaARN: `${replica.slice(0, -6)}abcdef` })).toBe(
      'ResourceNotFoundException',
    );
    expect(await refusal({ ...names, CrossAccountReplicaARN: primary })).toBe('InvalidParameterException');
    expect(await refusal(names, asReplica)).toBe('InvalidRequestException');
    await here.createSecret({ Name: 'another', SecretString: 'x' });
    expect(await refusal({ ...names, SecretId: 'another' })).toBe('InvalidRequestException');
    const ReplicationRoleARN = `arn:aws:iam::${otherAccount}:role/theirs`;
    expect(await refusal({ ...names, ReplicationRoleARN })).toBe('InvalidParameterException');
    await associate();
    const input = { Name: 'second', KmsKeyId: 'alias/there', CrossAccountPrimaryARN: primary };
    const { ARN } = await asReplica('CreateSecret', input);
    expect(await refusal({ ...names, CrossAccountReplicaARN: ARN })).toBe('LimitExceededException');
  });
});

describe('resource policies by name', () => {
  it('are listed and told, and only the default one can be changed', async () => {
    const { there, asReplica, asPrimary, associate } = await startPair();
    await associate();
    const managed = 'cross-account-replication';
    const list = async (more: object = {}) =>
      asReplica('ListResourcePolicies', { SecretId: 'copy', ...more });
    expect(await list()).toEqual({ ResourcePolicies: [{ PolicyName: managed }] });
    expect(await asPrimary('ListResourcePolicies', { SecretId: 'n' })).toEqual({ ResourcePolicies: [] });
    const ResourcePolicy = JSON.stringify(policy(deny('secretsmanager:DeleteSecret', { Principal: '*' })));
    const put = (PolicyName?: string) =>
      asReplica('PutResourcePolicy', { SecretId: 'copy', ResourcePolicy, PolicyName });
    expect(await put()).toMatchObject({ Name: 'copy', PolicyName: 'default' });
    expect(await list()).toEqual({ ResourcePolicies: [{ PolicyName: 'default' }, { PolicyName: managed }] });
    const first = await list({ MaxResults: 1 });
    expect(first).toEqual({ ResourcePolicies: [{ PolicyName: 'default' }], NextToken: expect.any(String) });
    expect(await list({ MaxResults: 1, NextToken: first.NextToken })).toEqual({
      ResourcePolicies: [{ PolicyName: managed }],
    });
    expect(await list({ NextToken: 'x' })).toMatchObject({ __type: 'InvalidNextTokenException' });

    const get = (PolicyName?: string) => asReplica('GetResourcePolicy', { SecretId: 'copy', PolicyName });
    expect(await get()).toMatchObject({
      PolicyName: 'default',
      ResourcePolicy: expect.stringContaining('Deny'),
    });
    expect(await get(managed)).toMatchObject({
      PolicyName: managed,
      ResourcePolicy: expect.stringMatching(
        new RegExp(`${account}:root.*AcceptCrossAccountReplication`, 's'),
      ),
    });
    expect(await get('another')).toMatchObject({ __type: 'ResourceNotFoundException' });
    expect(await put(managed)).toMatchObject({ __type: 'InvalidParameterException' });
    const remove = (PolicyName?: string) =>
      asReplica('DeleteResourcePolicy', { SecretId: 'copy', PolicyName });
    expect(await remove(managed)).toMatchObject({ __type: 'InvalidParameterException' });
    expect(await remove()).toMatchObject({ PolicyName: 'default' });
    await there.stopReplicationToReplica({ SecretId: 'copy' });
    expect(await list()).toEqual({ ResourcePolicies: [] });
    await there.deleteSecret({ SecretId: 'copy' });
    expect(await list()).toMatchObject({ __type: 'InvalidRequestException' });
  });
});

describe('where policies are enforced', () => {
  const there = user('there', { policies: [policy(allow('*'))] }, otherAccount);
  const accept = allow('secretsmanager:AcceptCrossAccountReplication');
  const associating = allow('secretsmanager:AssociateCrossAccountReplica');
  const keyArn = `arn:aws:kms:us-east-1:${otherAccount}:key/there`;
  const keyFor = (...statements: object[]) => ({ arn: keyArn, policy: policy(...statements) });
  const open = keyFor({ Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' });

  const answerTo = async (statements: readonly object[], { key = open, more = {} } = {}) => {
    const someone = user('someone', { policies: [policy(...statements)] });
    await using harness = await startEnforcing([someone, there], { keys: [key] });
    const owner = harness.as();
    const { ARN: primary } = await owner.send(new CreateSecretCommand({ Name: 'n', SecretString: 'x' }));
    const input = {
      Name: 'copy',
      KmsKeyId: keyArn,
      CrossAccountPrimaryARN: primary,
      ClientRequestToken: token('a'),
    };
    expect(await harness.send(there, 'CreateSecret', input)).toBeUndefined();
    const { ARN: replica } = await harness.as(there).send(new DescribeSecretCommand({ SecretId: 'copy' }));
    const names = { SecretId: primary, CrossAccountReplicaARN: replica, ...more };
    return await harness.send(someone, 'AssociateCrossAccountReplica', names);
  };

  it('association needs both secrets, their keys, and the role that is passed', async () => {
    const read = allow('secretsmanager:GetSecretValue');
    const keys = allow('kms:Encrypt');
    const REFUSED = 'AccessDeniedException';
    expect(await answerTo([associating, read, accept, keys])).toBeUndefined();
    expect(await answerTo([allow('secretsmanager:*CrossAccount*'), read, keys])).toBeUndefined();
    expect(await answerTo([associating, read, keys])).toBe(REFUSED);
    expect(await answerTo([associating, accept, keys])).toBe(REFUSED);
    expect(await answerTo([read, accept, keys])).toBe(REFUSED);
    expect(await answerTo([associating, read, accept])).toBe(REFUSED);
    expect(await answerTo([allow('*'), deny('secretsmanager:AcceptCrossAccount*')])).toBe(REFUSED);
    const own = keyFor({ Effect: 'Allow', Principal: { AWS: there.arn }, Action: 'kms:*', Resource: '*' });
    expect(await answerTo([associating, read, accept, keys], { key: own })).toBe(REFUSED);
    const more = { ReplicationRoleARN: `arn:aws:iam::${account}:role/replicator` };
    expect(await answerTo([associating, read, accept, keys], { more })).toBe(REFUSED);
    const pass = allow('iam:PassRole', { Resource: more.ReplicationRoleARN });
    expect(await answerTo([associating, read, accept, keys, pass], { more })).toBeUndefined();
  });

  it('making a replica needs PutResourcePolicy, and making it stand alone DeleteResourcePolicy', async () => {
    const maker = (...statements: object[]) =>
      user('maker', { policies: [policy(...statements)] }, otherAccount);
    const make = async (...statements: object[]) => {
      const principal = maker(...statements);
      await using harness = await startEnforcing([principal], { keys: [open] });
      const input = {
        Name: 'copy',
        KmsKeyId: keyArn,
        CrossAccountPrimaryARN: `arn:aws:secretsmanager:us-east-1:${account}:secret:n-AbCdEf`,
        ClientRequestToken: token('a'),
      };
      const made = await harness.send(principal, 'CreateSecret', input);
      return [made, await harness.send(principal, 'StopReplicationToReplica', { SecretId: 'copy' })];
    };
    const create = allow('secretsmanager:CreateSecret');
    const stop = allow('secretsmanager:StopReplicationToReplica');
    expect(await make(create, stop)).toEqual(['AccessDeniedException', 'ResourceNotFoundException']);
    expect(await make(create, stop, allow('secretsmanager:PutResourcePolicy'))).toEqual([
      undefined,
      'AccessDeniedException',
    ]);
    expect(
      await make(create, stop, allow(['secretsmanager:*ResourcePolicy', 'secretsmanager:Nothing'])),
    ).toEqual([undefined, undefined]);
  });

  it('ListResourcePolicies is allowed by name, by a wildcard and by NotAction', async () => {
    const ask = async (statement: object) => {
      const someone = user('someone', { policies: [policy(statement)] });
      await using harness = await startEnforcing([someone]);
      const input = { Name: 'n', ClientRequestToken: token('a') };
      expect(await harness.send(root, 'CreateSecret', input)).toBeUndefined();
      return await harness.send(someone, 'ListResourcePolicies', { SecretId: 'n' });
    };
    const named = (member: string, value: string | string[]) => ({
      Effect: 'Allow',
      [member]: value,
      Resource: '*',
    });
    expect(await ask(named('Action', 'secretsmanager:listresourcepolicies'))).toBeUndefined();
    expect(await ask(named('Action', ['s3:*', 'secretsmanager:List*']))).toBeUndefined();
    expect(await ask(named('NotAction', 'secretsmanager:Delete*'))).toBeUndefined();
    expect(await ask(named('Action', 'secretsmanager:GetResourcePolicy'))).toBe('AccessDeniedException');
    expect(await ask(named('Action', 'secretsmanager:ListResourcePolicie'))).toBe('AccessDeniedException');
    expect(await ask(named('NotAction', 'secretsmanager:List?esourcePolicies'))).toBe(
      'AccessDeniedException',
    );
  });
});
