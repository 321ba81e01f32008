import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EventBridgeEvent } from '../../src/local/index.ts';
import { expectError, plainRotation, start, token } from './harness.ts';

const refused = "Operation not permitted on a replica secret. Call must be made in primary secret's region.";

async function startReplicated() {
  const { local, client } = await start();
  const events: EventBridgeEvent[] = [];
  local.onEventBridge((event) => events.push(event));
  const away = new SecretsManager({ ...local.clientConfig, region: 'eu-west-1', maxAttempts: 1 });
  onTestFinished(() => away.destroy());
  const created = await client.createSecret({
    Name: 'n',
    SecretString: '1',
    ClientRequestToken: token('one'),
    Tags: [{ Key: 'team', Value: 'red' }],
    AddReplicaRegions: [{ Region: 'eu-west-1', KmsKeyId: 'alias/away' }],
  });
  return { local, client, away, created, events };
}

describe('a replica', () => {
  it('is what its primary is, in its own region and under its own key', async () => {
    const { client, away, created, events } = await startReplicated();
    expect(created.ReplicationStatus).toEqual([
      { Region: 'eu-west-1', KmsKeyId: 'alias/away', Status: 'InProgress' },
    ]);
    const primary = await client.describeSecret({ SecretId: 'n' });
    expect(primary).toMatchObject({
      PrimaryRegion: 'us-east-1',
      ReplicationStatus: [
        {
          Region: 'eu-west-1',
          KmsKeyId: 'alias/away',
          Status: 'InSync',
          StatusMessage: 'Replication succeeded',
        },
      ],
    });
    const replica = await away.describeSecret({ SecretId: 'n' });
    expect(replica).toMatchObject({
      ARN: primary.ARN?.replace('us-east-1', 'eu-west-1'),
      KmsKeyId: 'alias/away',
      PrimaryRegion: 'us-east-1',
      Tags: primary.Tags,
      VersionIdsToStages: primary.VersionIdsToStages,
    });
    expect(replica).not.toHaveProperty('ReplicationStatus');
    expect((await away.getSecretValue({ SecretId: 'n' })).SecretString).toBe('1');
    expect(
      (await client.describeSecret({ SecretId: 'n' })).ReplicationStatus?.[0]?.LastAccessedDate,
    ).toBeInstanceOf(Date);
    expect((await client.describeSecret({ SecretId: 'n' })).LastAccessedDate).toBeUndefined();
    expect((await away.listSecretVersionIds({ SecretId: 'n' })).Versions).toMatchObject([
      { KmsKeyIds: ['alias/away'] },
    ]);
    const found = await away.listSecrets({ Filters: [{ Key: 'primary-region', Values: ['us-east'] }] });
    expect(found.SecretList).toMatchObject([{ Name: 'n', PrimaryRegion: 'us-east-1' }]);
    expect(events.map(({ detail }) => detail.eventName)).toEqual([
      'ReplicationStarted',
      'ReplicationSucceeded',
    ]);
  });

  it('follows values, labels, tags, policy and rotations of its primary', async () => {
    const { local, client, away } = await startReplicated();
    await client.putSecretValue({ SecretId: 'n', SecretString: '2', ClientRequestToken: token('two') });
    await client.untagResource({ SecretId: 'n', TagKeys: ['team'] });
    await client.updateSecret({ SecretId: 'n', Description: 'd' });
    expect(await away.describeSecret({ SecretId: 'n' })).toMatchObject({
      Description: 'd',
      VersionIdsToStages: { [token('one')]: ['AWSPREVIOUS'], [token('two')]: ['AWSCURRENT'] },
    });
    expect(await away.describeSecret({ SecretId: 'n' })).not.toHaveProperty('Tags');
    const RotationLambdaARN = local.registerFunction('rotator', plainRotation(client));
    await client.rotateSecret({ SecretId: 'n', RotationLambdaARN, ClientRequestToken: token('three') });
    await local.rotationsSettled();
    expect((await away.getSecretValue({ SecretId: 'n' })).VersionId).toBe(token('three'));
    expect((await away.describeSecret({ SecretId: 'n' })).RotationEnabled).toBeUndefined();
  });

  it('refuses every change', async () => {
    const { away } = await startReplicated();
    const SecretId = 'n';
    for (const call of [
      away.putSecretValue({ SecretId, SecretString: 'x' }),
      away.updateSecret({ SecretId, Description: 'x' }),
      away.updateSecretVersionStage({ SecretId, VersionStage: 'x', MoveToVersionId: token('one') }),
      away.tagResource({ SecretId, Tags: [] }),
      away.untagResource({ SecretId, TagKeys: [] }),
      away.rotateSecret({ SecretId }),
      away.cancelRotateSecret({ SecretId }),
      away.deleteSecret({ SecretId }),
      away.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true }),
      away.restoreSecret({ SecretId }),
      away.putResourcePolicy({ SecretId, ResourcePolicy: '{}' }),
      away.deleteResourcePolicy({ SecretId }),
      away.replicateSecretToRegions({ SecretId, AddReplicaRegions: [{ Region: 'us-west-2' }] }),
      away.removeRegionsFromReplication({ SecretId, RemoveReplicaRegions: ['us-west-2'] }),
    ]) {
      await expectError(call, 'InvalidParameterException', refused);
    }
  });

  it('answers the policy of its primary', async () => {
    const { client, away } = await startReplicated();
    expect(await away.getResourcePolicy({ SecretId: 'n' })).not.toHaveProperty('ResourcePolicy');
    const statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 'secretsmanager:DeleteSecret',
      Resource: '*',
    };
    const ResourcePolicy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await client.putResourcePolicy({ SecretId: 'n', ResourcePolicy });
    const answer = await away.getResourcePolicy({ SecretId: 'n' });
    expect(answer.ARN).toContain(':eu-west-1:');
    expect(JSON.parse(answer.ResourcePolicy ?? '')).toEqual(JSON.parse(ResourcePolicy));
    await client.deleteResourcePolicy({ SecretId: 'n' });
    expect(await away.getResourcePolicy({ SecretId: 'n' })).not.toHaveProperty('ResourcePolicy');
  });

  it('that is promoted goes its own way', async () => {
    const { client, away } = await startReplicated();
    const { ARN } = await away.stopReplicationToReplica({ SecretId: 'n' });
    await away.putSecretValue({ SecretId: 'n', SecretString: 'mine' });
    expect(await away.describeSecret({ SecretId: 'n' })).toMatchObject({ ARN });
    expect(await away.describeSecret({ SecretId: 'n' })).not.toHaveProperty('PrimaryRegion');
    expect(await client.describeSecret({ SecretId: 'n' })).not.toHaveProperty('ReplicationStatus');
    expect((await client.getSecretValue({ SecretId: 'n' })).SecretString).toBe('1');
    await expectError(
      client.stopReplicationToReplica({ SecretId: 'n' }),
      'InvalidParameterException',
      /primary/,
    );
  });

  it('goes when its region is removed; its primary only without replicas', async () => {
    const { client, away } = await startReplicated();
    const AddReplicaRegions = [{ Region: 'us-east-2' }];
    await client.replicateSecretToRegions({ SecretId: 'n', AddReplicaRegions });
    for (const ForceDeleteWithoutRecovery of [true, false]) {
      await expectError(
        client.deleteSecret({ SecretId: 'n', ForceDeleteWithoutRecovery }),
        'InvalidParameterException',
        "You can't delete secret n that still has replica regions [eu-west-1, us-east-2].",
      );
    }
    const removed = await client.removeRegionsFromReplication({
      SecretId: 'n',
      RemoveReplicaRegions: ['eu-west-1', 'us-east-2', 'us-west-2'],
    });
    expect(removed.ReplicationStatus).toEqual([]);
    await expectError(away.describeSecret({ SecretId: 'n' }), 'ResourceNotFoundException', /can't find/);
    await client.deleteSecret({ SecretId: 'n' });
  });

  it('finds its name taken, and overwrites only when told', async () => {
    const { client, away, events } = await startReplicated();
    await client.createSecret({ Name: 'taken', SecretString: 'primary' });
    await away.createSecret({ Name: 'taken', SecretString: 'other' });
    const replicate = (ForceOverwriteReplicaSecret: boolean) =>
      client.replicateSecretToRegions({
        SecretId: 'taken',
        AddReplicaRegions: [{ Region: 'eu-west-1' }],
        ForceOverwriteReplicaSecret,
      });
    const failure = 'Replication failed: Secret name taken already exists in region eu-west-1.';
    expect((await replicate(false)).ReplicationStatus).toMatchObject([
      { Status: 'Failed', StatusMessage: failure },
    ]);
    expect((await away.getSecretValue({ SecretId: 'taken' })).SecretString).toBe('other');
    expect(events.at(-1)?.detail).toMatchObject({ eventName: 'ReplicationFailed', errorMessage: failure });
    await replicate(true);
    expect((await away.getSecretValue({ SecretId: 'taken' })).SecretString).toBe('primary');
    expect((await client.describeSecret({ SecretId: 'taken' })).ReplicationStatus).toMatchObject([
      { KmsKeyId: 'alias/aws/secretsmanager', Status: 'InSync' },
    ]);
  });

  it.each([
    ['the secret’s own', ['us-east-1']],
    ['none that AWS has', ['us-east-9']],
    ['of another partition', ['cn-north-1']],
    ['named twice', ['us-east-2', 'eu-west-2', 'us-east-2']],
  ])('is refused in a region that is %s, and so are the others', async (_, regions) => {
    const { client } = await startReplicated();
    const AddReplicaRegions = regions.map((Region) => ({ Region }));
    for (const call of [
      client.replicateSecretToRegions({ SecretId: 'n', AddReplicaRegions }),
      client.createSecret({ Name: 'other', AddReplicaRegions }),
    ]) {
      await expectError(call, 'InvalidParameterException', 'Invalid replica region.');
    }
    const { ReplicationStatus } = await client.describeSecret({ SecretId: 'n' });
    expect(ReplicationStatus?.map(({ Region }) => Region)).toEqual(['eu-west-1']);
    expect((await client.listSecrets({})).SecretList).toHaveLength(1);
  });

  it('takes another key, and nothing else, and keeps it', async () => {
    const { client, away } = await startReplicated();
    const keyOf = async () => {
      const { Versions = [] } = await away.listSecretVersionIds({ SecretId: 'n' });
      const { KmsKeyId } = await away.describeSecret({ SecretId: 'n' });
      const { ReplicationStatus } = await client.describeSecret({ SecretId: 'n' });
      return [KmsKeyId, ReplicationStatus?.[0]?.KmsKeyId, ...Versions.map(({ KmsKeyIds }) => KmsKeyIds?.[0])];
    };
    const answer = await away.updateSecret({ SecretId: 'n', KmsKeyId: 'alias/next' });
    expect([answer.ARN?.includes(':eu-west-1:'), answer.Name, answer.VersionId]).toEqual([
      true,
      'n',
      undefined,
    ]);
    expect(await keyOf()).toEqual(['alias/next', 'alias/next', 'alias/next']);
    expect((await away.getSecretValue({ SecretId: 'n' })).SecretString).toBe('1');
    await client.putSecretValue({ SecretId: 'n', SecretString: '2' });
    expect((await away.getSecretValue({ SecretId: 'n' })).SecretString).toBe('2');
    expect(await keyOf()).toEqual(['alias/next', 'alias/next', 'alias/next', 'alias/next']);
    for (const more of [{ Description: 'd' }, { SecretString: 'x' }]) {
      const update = away.updateSecret({ SecretId: 'n', KmsKeyId: 'alias/another', ...more });
      await expectError(update, 'InvalidParameterException', refused);
    }
    await away.updateSecret({ SecretId: 'n', KmsKeyId: '' });
    expect((await keyOf())[0]).toBe('alias/aws/secretsmanager');
  });
});
