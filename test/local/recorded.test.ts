import { describe, expect, it } from 'vitest';
import { expectError, plainRotation, start, token } from './harness.ts';

/*
 * The same requests as in recordings of AWS by others: localstack's test_secretsmanager.snapshot.json, moto's tests that
 * were verified against AWS, and cloud-custodian's placebo recordings.
 */

/** The members of an answer, without the SDK's own. */
function membersOf(answer: object): string[] {
  return Object.keys(answer).filter((name) => name !== '$metadata');
}

describe('as recorded of AWS', () => {
  it('a secret without a value has neither versions nor tags', async () => {
    const { client } = await start();
    expect(membersOf(await client.createSecret({ Name: 'n', Description: '' }))).toEqual(['ARN', 'Name']);
    expect(membersOf(await client.describeSecret({ SecretId: 'n' }))).toEqual([
      'ARN',
      'Name',
      'LastChangedDate',
      'CreatedDate',
    ]);
    const put = await client.putSecretValue({ SecretId: 'n', SecretString: 'v' });
    expect(put.VersionStages).toEqual(['AWSCURRENT']);
  });

  it('tags that are all gone leave an empty list', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n' });
    await client.tagResource({ SecretId: 'n', Tags: [{ Key: 'a', Value: '1' }] });
    await client.untagResource({ SecretId: 'n', TagKeys: ['a'] });
    expect((await client.describeSecret({ SecretId: 'n' })).Tags).toEqual([]);
  });

  it('a name that ends like an ARN is not found by its ARN without the end', async () => {
    const { client } = await start();
    for (const [Name, found] of [
      ['Valid/_+=.@-Name-a1b2', true],
      ['Valid/_+=.@-Name-a1b2c3-', true],
      ['Invalid/_+=.@-Name-a1b2c3', false],
    ] as const) {
      const { ARN = '' } = await client.createSecret({ Name, SecretString: 'v' });
      const partial = client.getSecretValue({ SecretId: ARN.slice(0, -7) });
      if (found) expect((await partial).SecretString).toBe('v');
      else await expectError(partial, 'ResourceNotFoundException', /can't find the specified secret\.$/);
    }
  });

  it('an invalid name is told before anything else about it', async () => {
    const { client } = await start();
    const SecretId = ' Inv *?!]Name\\-';
    const message =
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!';
    for (const call of [
      client.createSecret({ Name: SecretId, SecretString: 'v' }),
      client.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true }),
      client.describeSecret({ SecretId }),
      client.getSecretValue({ SecretId }),
      client.listSecretVersionIds({ SecretId, IncludeDeprecated: true }),
      client.putSecretValue({ SecretId, SecretString: 'v' }),
      client.tagResource({ SecretId, Tags: [] }),
      client.untagResource({ SecretId, TagKeys: ['a'] }),
      client.updateSecret({ SecretId, Description: 'd' }),
      client.validateResourcePolicy({ SecretId, ResourcePolicy: 'x' }),
    ]) {
      await expectError(call, 'ValidationException', message);
    }
  });

  it('a new current version takes AWSPENDING off another one', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n', SecretString: '1', ClientRequestToken: token('one') });
    const put = (word: string, VersionStages?: string[]) =>
      client.putSecretValue({
        SecretId: 'n',
        SecretString: word,
        ClientRequestToken: token(word),
        VersionStages,
      });
    await put('two', ['AWSPENDING', 'PUT0']);
    await client.updateSecretVersionStage({
      SecretId: 'n',
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: token('two'),
      RemoveFromVersionId: token('one'),
    });
    await put('three');
    expect((await client.describeSecret({ SecretId: 'n' })).VersionIdsToStages).toEqual({
      [token('three')]: ['AWSCURRENT'],
      [token('two')]: ['PUT0', 'AWSPREVIOUS'],
    });
  });

  it('a deleted secret has its rotation turned off and can still be described and deleted by force', async () => {
    const { local, client } = await start();
    const RotationLambdaARN = local.registerFunction('rotator', plainRotation(client));
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    await client.rotateSecret({ SecretId: 'n', RotationLambdaARN });
    await local.rotationsSettled();
    await client.deleteSecret({ SecretId: 'n', RecoveryWindowInDays: 7 });
    expect(await client.describeSecret({ SecretId: 'n' })).toMatchObject({
      RotationEnabled: false,
      RotationLambdaARN,
      DeletedDate: expect.any(Date),
    });
    const forced = await client.deleteSecret({ SecretId: 'n', ForceDeleteWithoutRecovery: true });
    expect(membersOf(forced)).toEqual(['ARN', 'Name', 'DeletionDate']);
    await client.createSecret({ Name: 'n', SecretString: 'w' });
  });

  it('a rotation that can’t begin leaves nothing of itself', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    const RotationRules = { AutomaticallyAfterDays: 1 };
    const RotationLambdaARN = 'arn:aws:lambda:us-east-1:123456789012:function:nowhere';
    await expectError(
      client.rotateSecret({ SecretId: 'n', RotationLambdaARN, RotationRules }),
      'AccessDeniedException',
      /^Secrets Manager cannot invoke the specified Lambda function\./,
    );
    await expectError(
      client.rotateSecret({
        SecretId: 'n',
        RotationRules: { ...RotationRules, ScheduleExpression: 'rate(1 day)' },
      }),
      'InvalidParameterException',
      'You cannot specify both rotation frequency and schedule expression together.',
    );
    expect(membersOf(await client.describeSecret({ SecretId: 'n' }))).toEqual([
      'ARN',
      'Name',
      'LastChangedDate',
      'VersionIdsToStages',
      'CreatedDate',
    ]);
  });

  it('a rotation in hours tells its interval in days, and the last second of its window', async () => {
    const { local, client } = await start();
    const RotationLambdaARN = local.registerFunction('rotator', plainRotation(client));
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    const RotationRules = { ScheduleExpression: 'rate(4 hours)' };
    await client.rotateSecret({ SecretId: 'n', RotationLambdaARN, RotationRules });
    await local.rotationsSettled();
    const { NextRotationDate, ...described } = await client.describeSecret({ SecretId: 'n' });
    expect(described.RotationRules).toEqual({
      AutomaticallyAfterDays: 1,
      ScheduleExpression: 'rate(4 hours)',
    });
    expect(NextRotationDate?.toISOString()).toMatch(/:59:59\.000Z$/);
  });
});
