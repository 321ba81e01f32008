import { describe, expect, it, onTestFinished } from 'vitest';
import type { LocalEvent, LocalFunction, RotationRequest } from '../../src/local/index.ts';
import { expectError, type Harness, moveCurrent, plainRotation, stagesOf, start, token } from './harness.ts';

const UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted.";

async function startWithSecret(options: Parameters<typeof start>[0] = {}) {
  const harness = await start(options);
  await harness.client.createSecret({ Name: 'n', SecretString: 'v', ClientRequestToken: token('one') });
  const rotate = (ClientRequestToken = token('two'), more = {}) =>
    harness.client.rotateSecret({ SecretId: 'n', RotationLambdaARN: 'rotator', ClientRequestToken, ...more });
  return { ...harness, rotate };
}

function storyOf(events: readonly LocalEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'call' || event.type === 'labels-moved') return [];
    const detail = 'step' in event ? ` ${event.step}` : '';
    return [event.type + detail + ('error' in event && event.error ? ' failed' : '')];
  });
}

/** A function that waits in a step until it is let go. */
function gate() {
  const entered = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  onTestFinished(() => open.resolve());
  const pass = async () => {
    entered.resolve();
    await open.promise;
  };
  return { entered: entered.promise, open: open.resolve, pass };
}

/** Answers as the plain rotation does, but fails at the given calls, counted from 1. */
function failingAt(client: Harness['client'], ...failures: number[]): LocalFunction {
  const rotation = plainRotation(client);
  let calls = 0;
  return async (event, context) => {
    calls += 1;
    if (failures.includes(calls)) throw new TypeError(`call ${calls} fails`);
    await rotation(event, context);
  };
}

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
    await expectError(rotate(token('three')), 'InvalidRequestException', UNFINISHED);
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
    await expectError(
      rotate(token('two'), { RotationLambdaARN: 'arn:aws:s3:::bucket' }),
      'InvalidParameterException',
      /not the ARN/,
    );
    await expectError(rotate(token('one')), 'ResourceExistsException', /already in use/);
    const badRules = { RotationRules: { ScheduleExpression: 'rate(1 hour)' } };
    await expectError(rotate(token('two'), badRules), 'InvalidParameterException', /at least|from 4/);
    const { RotationEnabled, VersionIdsToStages } = await client.describeSecret({ SecretId: 'n' });
    expect({ RotationEnabled, VersionIdsToStages }).toEqual({
      VersionIdsToStages: { [token('one')]: ['AWSCURRENT'] },
    });
  });
});
