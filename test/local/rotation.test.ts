import { describe, expect, it } from 'vitest';
import type { RotationRequest } from '../../src/local/index.ts';
import { expectError, moveCurrent, plainRotation, stagesOf, token } from './harness.ts';
import { failingAt, gate, startWithSecret, storyOf } from './rotation-harness.ts';

const unfinished = "A previous rotation isn't complete. That rotation will be reattempted.";

describe('a rotation', () => {
  it('answers at once and goes through the four steps', async () => {
    const { local, client, rotate, events } = await startWithSecret();
    const requests: RotationRequest[] = [];
    const rotation = plainRotation(client);
    const arn = local.registerFunction('rotator', async (event, context) => {
      requests.push(event);
      expect(context).toMatchObject({
        functionName: 'rotator',
        invokedFunctionArn: arn,
        awsRequestId: expect.any(String),
      });
      expect(context.getRemainingTimeInMillis()).toBeLessThanOrEqual(30_000);
      await rotation(event, context);
    });
    expect(arn).toBe('arn:aws:lambda:us-east-1:123456789012:function:rotator');
    const answer = await rotate();
    expect(answer.VersionId).toBe(token('two'));
    await local.rotationsSettled('n');

    expect(requests.map(({ Step }) => Step)).toEqual([
      'createSecret',
      'setSecret',
      'testSecret',
      'finishSecret',
    ]);
    for (const request of requests) {
      expect(request).toMatchObject({ SecretId: answer.ARN, ClientRequestToken: token('two') });
      expect(request.RotationToken).toBe(requests[0]?.RotationToken);
    }
    expect(storyOf(events)).toEqual([
      'rotation-started',
      ...['createSecret', 'setSecret', 'testSecret', 'finishSecret'].flatMap((s) => [
        `step-started ${s}`,
        `step-ended ${s}`,
      ]),
      'rotation-succeeded',
    ]);
    expect(JSON.stringify(events)).not.toContain(requests[0]?.RotationToken);
    expect(await stagesOf(client, 'n')).toEqual({
      [token('two')]: ['AWSCURRENT', 'AWSPENDING'],
      [token('one')]: ['AWSPREVIOUS'],
    });
    expect(await client.describeSecret({ SecretId: 'n' })).toMatchObject({
      RotationEnabled: true,
      RotationLambdaARN: arn,
      LastRotatedDate: expect.any(Date),
    });
  });

  it('begins with an empty version that is AWSPENDING', async () => {
    const { local, client, rotate, events } = await startWithSecret();
    const { entered, open, pass } = gate();
    local.registerFunction('rotator', pass);
    await rotate();
    await entered;
    const pending = client.getSecretValue({ SecretId: 'n', VersionStage: 'AWSPENDING' });
    const message = "Secrets Manager can't find the specified secret value for staging label: AWSPENDING";
    await expectError(pending, 'ResourceNotFoundException', message);
    const ofVersion = client.getSecretValue({ SecretId: 'n', VersionId: token('two') });
    await expectError(
      ofVersion,
      'ResourceNotFoundException',
      message.replace('staging label: AWSPENDING', `VersionId: ${token('two')}`),
    );
    expect(events.findLast((event) => event.type === 'labels-moved')).toMatchObject({
      before: { [token('one')]: ['AWSCURRENT'] },
      after: { [token('one')]: ['AWSCURRENT'], [token('two')]: ['AWSPENDING'] },
    });
    open();
  });

  it('that fails is tried again as a whole, with the same token', async () => {
    const { local, client, rotate, events } = await startWithSecret({ retryDelaysMs: [0, 0] });
    local.registerFunction('rotator', failingAt(client, 3, 4));
    await rotate();
    await local.rotationsSettled();
    expect(storyOf(events)).toEqual([
      'rotation-started',
      'step-started createSecret',
      'step-ended createSecret',
      'step-started setSecret',
      'step-ended setSecret',
      'step-started testSecret',
      'step-ended testSecret failed',
      'rotation-failed failed',
      'rotation-started',
      'step-started createSecret',
      'step-ended createSecret failed',
      'rotation-failed failed',
      'rotation-started',
      ...['createSecret', 'setSecret', 'testSecret', 'finishSecret'].flatMap((s) => [
        `step-started ${s}`,
        `step-ended ${s}`,
      ]),
      'rotation-succeeded',
    ]);
    expect((await client.getSecretValue({ SecretId: 'n' })).VersionId).toBe(token('two'));
  });

  it('is given up in the end, and leaves the labels as they are', async () => {
    const { local, client, rotate, events } = await startWithSecret({ retryDelaysMs: [0] });
    local.registerFunction('rotator', () => Promise.reject(new Error('no way')));
    await rotate();
    await local.rotationsSettled();
    const failures = events.filter((event) => event.type === 'rotation-failed');
    expect(failures).toMatchObject([
      { attempt: 1, willRetry: true, error: 'Error: no way' },
      { attempt: 2, willRetry: false },
    ]);
    expect(await stagesOf(client, 'n')).toEqual({
      [token('one')]: ['AWSCURRENT'],
      [token('two')]: ['AWSPENDING'],
    });
    expect((await client.describeSecret({ SecretId: 'n' })).LastRotatedDate).toBeUndefined();
  });

  it('on top of an unfinished one is refused, but takes that one up again', async () => {
    const { local, client, rotate } = await startWithSecret();
    local.registerFunction('rotator', failingAt(client, 2));
    await rotate();
    await local.rotationsSettled();
    await expectError(rotate(token('three')), 'InvalidRequestException', unfinished);
    await local.rotationsSettled();
    expect(await stagesOf(client, 'n')).toEqual({
      [token('two')]: ['AWSCURRENT', 'AWSPENDING'],
      [token('one')]: ['AWSPREVIOUS'],
    });
    await rotate(token('three'));
    await local.rotationsSettled();
    expect((await client.getSecretValue({ SecretId: 'n' })).VersionId).toBe(token('three'));
  });

  it('that leaves AWSPENDING behind has failed', async () => {
    const { local, rotate, events } = await startWithSecret();
    local.registerFunction('rotator', async () => {});
    await rotate();
    await local.rotationsSettled();
    expect(events.at(-1)).toMatchObject({
      type: 'rotation-failed',
      error: expect.stringContaining('AWSPENDING'),
    });
  });

  it('succeeds too when the function takes AWSPENDING off', async () => {
    const { local, client, rotate, events } = await startWithSecret();
    const rotation = plainRotation(client);
    local.registerFunction('rotator', async (event, context) => {
      await rotation(event, context);
      const { SecretId, ClientRequestToken } = event;
      if (event.Step !== 'finishSecret') return;
      await client.updateSecretVersionStage({
        SecretId,
        VersionStage: 'AWSPENDING',
        RemoveFromVersionId: ClientRequestToken,
      });
    });
    await rotate();
    await local.rotationsSettled();
    expect(storyOf(events).at(-1)).toBe('rotation-succeeded');
    expect((await stagesOf(client, 'n'))[token('two')]).toEqual(['AWSCURRENT']);
  });

  it('asked for again with its own token is answered, and does not run again', async () => {
    const { local, client, rotate, events } = await startWithSecret();
    const { entered, open, pass } = gate();
    const rotation = plainRotation(client);
    local.registerFunction('rotator', async (event, context) => {
      await pass();
      await rotation(event, context);
    });
    const first = await rotate();
    await entered;
    expect(await rotate()).toMatchObject({ ARN: first.ARN, VersionId: token('two') });
    open();
    await local.rotationsSettled();
    expect(await rotate()).toMatchObject({ VersionId: token('two') });
    await local.rotationsSettled();
    expect(storyOf(events).filter((line) => line === 'rotation-started')).toHaveLength(1);
  });

  it('fails when its function takes too long', async () => {
    const { local, rotate, events } = await startWithSecret();
    const { pass } = gate();
    local.registerFunction('rotator', pass, { timeoutMs: 20 });
    await rotate();
    await local.rotationsSettled();
    expect(events.at(-1)).toMatchObject({
      type: 'rotation-failed',
      error: 'Error: Task timed out after 0.02 seconds',
    });
  });

  it('is the only one of its secret, whatever is asked meanwhile', async () => {
    const { local, client, rotate } = await startWithSecret({ retryDelaysMs: [0, 0, 0] });
    let running = 0;
    let most = 0;
    local.registerFunction('rotator', async ({ Step, SecretId, ClientRequestToken }) => {
      running += 1;
      most = Math.max(most, running);
      await client.describeSecret({ SecretId });
      if (Step === 'finishSecret') await moveCurrent(client, SecretId, ClientRequestToken);
      running -= 1;
    });
    for (let round = 0; round < 30; round++) {
      await rotate(token(`round${round}`)).catch(() => {});
      if (round % 5 === 0) await client.cancelRotateSecret({ SecretId: 'n' });
    }
    await local.rotationsSettled();
    expect(most).toBe(1);
    expect(
      Object.values(await stagesOf(client, 'n'))
        .flat()
        .filter((label) => label === 'AWSCURRENT'),
    ).toHaveLength(1);
  });
});
