import { describe, expect, it } from 'vitest';
import { expectError, functionArn, stagesOf, token } from './harness.ts';
import { gate, startWithSecret, storyOf } from './rotation-harness.ts';

describe('RotateImmediately=false', () => {
  it('tests the function on a temporary version with the current value', async () => {
    const { local, client, rotate, events } = await startWithSecret();
    const seen: unknown[] = [];
    local.registerFunction('rotator', async ({ Step, SecretId, ClientRequestToken: VersionId }) => {
      const { SecretString, VersionStages } = await client.getSecretValue({ SecretId, VersionId });
      seen.push({ Step, SecretString, VersionStages });
    });
    await rotate(token('two'), { RotateImmediately: false, RotationRules: { AutomaticallyAfterDays: 5 } });
    await local.rotationsSettled();
    expect(seen).toEqual([{ Step: 'testSecret', SecretString: 'v', VersionStages: ['AWSPENDING'] }]);
    expect(storyOf(events).at(-1)).toBe('rotation-succeeded');
    const { Versions } = await client.listSecretVersionIds({ SecretId: 'n', IncludeDeprecated: true });
    expect(Versions).toMatchObject([{ VersionId: token('one'), VersionStages: ['AWSCURRENT'] }]);
    const described = await client.describeSecret({ SecretId: 'n' });
    expect(described).toMatchObject({ RotationEnabled: true, NextRotationDate: expect.any(Date) });
    expect(described.LastRotatedDate).toBeUndefined();
  });

  it('removes that version after a failure too', async () => {
    const { local, client, rotate, events } = await startWithSecret();
    local.registerFunction('rotator', () => Promise.reject(new Error('not ready')));
    await rotate(token('two'), { RotateImmediately: false });
    await local.rotationsSettled();
    expect(storyOf(events).at(-1)).toBe('rotation-failed failed');
    expect(await stagesOf(client, 'n')).toEqual({ [token('one')]: ['AWSCURRENT'] });
  });
});

describe('CancelRotateSecret', () => {
  it('turns rotation off and leaves the labels; what runs takes no further step', async () => {
    const { local, client, rotate, events } = await startWithSecret();
    const { entered, open, pass } = gate();
    local.registerFunction('rotator', pass);
    await rotate();
    await entered;
    expect(await client.cancelRotateSecret({ SecretId: 'n' })).toMatchObject({ VersionId: token('two') });
    open();
    await local.rotationsSettled();
    expect(storyOf(events)).toEqual([
      'rotation-started',
      'step-started createSecret',
      'step-ended createSecret',
      'rotation-cancelled',
    ]);
    expect(await stagesOf(client, 'n')).toEqual({
      [token('one')]: ['AWSCURRENT'],
      [token('two')]: ['AWSPENDING'],
    });
    const described = await client.describeSecret({ SecretId: 'n' });
    expect(described.RotationEnabled).toBe(false);
    expect(described.NextRotationDate).toBeUndefined();
  });

  it('needs a secret that rotates', async () => {
    const { client } = await startWithSecret();
    await expectError(
      client.cancelRotateSecret({ SecretId: 'n' }),
      'InvalidRequestException',
      /isn't configured for rotation/,
    );
  });
});

describe('RotateSecret refuses', () => {
  it('what it can’t do, and changes nothing', async () => {
    const { local, client, rotate } = await startWithSecret();
    await expectError(
      rotate(),
      'AccessDeniedException',
      'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to ' +
        'the principal secretsmanager.amazonaws.com.',
    );
    local.registerFunction('rotator', async () => {});
    const withoutFunction = client.rotateSecret({ SecretId: 'n' });
    await expectError(
      withoutFunction,
      'InvalidRequestException',
      'No Lambda rotation function ARN is associated with this secret.',
    );
    for (const RotationLambdaARN of [
      'rotator',
      '123456789012:function:rotator',
      'arn:aws:s3:::bucket',
      'arn:aws:lambda:us-east-1:123:function:rotator',
      `${functionArn('rotator')}:a:b`,
    ]) {
      const refused = rotate(token('two'), { RotationLambdaARN });
      await expectError(refused, 'InvalidParameterException', /not the ARN/);
    }
    await expectError(rotate(token('one')), 'ResourceExistsException', /already in use/);
    const badRules = { RotationRules: { ScheduleExpression: 'rate(1 hour)' } };
    await expectError(rotate(token('two'), badRules), 'InvalidParameterException', /at least|from 4/);
    const { RotationEnabled, VersionIdsToStages } = await client.describeSecret({ SecretId: 'n' });
    expect({ RotationEnabled, VersionIdsToStages }).toEqual({
      VersionIdsToStages: { [token('one')]: ['AWSCURRENT'] },
    });
  });
});
