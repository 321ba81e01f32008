import { describe, expect, it } from 'vitest';
import { type EventBridgeEvent, manualClock } from '../../src/local/index.ts';
import { functionArn, plainRotation, start, token } from './harness.ts';
import { gate } from './rotation-harness.ts';

const day = 86_400_000;

async function startListening() {
  const clock = manualClock(Date.UTC(2024, 0, 15, 10, 30, 0, 250));
  const harness = await start({ clock });
  const events: EventBridgeEvent[] = [];
  harness.local.onEventBridge((event) => events.push(event));
  const created = { Name: 'n', SecretString: 'hunter2', ClientRequestToken: token('one') };
  const { ARN = '' } = await harness.client.createSecret(created);
  const rotate = (more: { RotateImmediately?: boolean } = {}) =>
    harness.client.rotateSecret({
      SecretId: 'n',
      RotationLambdaARN: functionArn('rotator'),
      ClientRequestToken: token('two'),
      ...more,
    });
  const names = () => events.map(({ detail }) => detail.eventName);
  return { ...harness, clock, events, names, ARN, rotate };
}

describe('EventBridge', () => {
  it('is told of a rotation in the form that was recorded of AWS', async () => {
    const { local, client, events, ARN, rotate } = await startListening();
    local.registerFunction('rotator', plainRotation(client));
    await rotate();
    await local.rotationsSettled();
    expect(events).toHaveLength(2);
    expect(events[1]).toEqual({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'AWS Service Event via CloudTrail',
      source: 'aws.secretsmanager',
      account: '123456789012',
      time: '2024-01-15T10:30:00Z',
      region: 'us-east-1',
      resources: [],
      detail: {
        eventVersion: '1.08',
        userIdentity: { accountId: '123456789012', invokedBy: 'secretsmanager.amazonaws.com' },
        eventTime: '2024-01-15T10:30:00Z',
        eventSource: 'secretsmanager.amazonaws.com',
        eventName: 'RotationSucceeded',
        awsRegion: 'us-east-1',
        sourceIPAddress: 'secretsmanager.amazonaws.com',
        userAgent: 'secretsmanager.amazonaws.com',
        requestParameters: null,
        responseElements: null,
        additionalEventData: { SecretId: ARN },
        requestID: `Rotation-${ARN}-${token('two')}`,
        eventID: expect.stringMatching(/^[0-9a-f-]{36}$/),
        readOnly: false,
        eventType: 'AwsServiceEvent',
        managementEvent: true,
        recipientAccountId: '123456789012',
        eventCategory: 'Management',
      },
    });
  });

  it('is told which step failed, and nothing that the function said', async () => {
    const { local, events, names, rotate } = await startListening();
    const arn = local.registerFunction('rotator', async () => {
      throw new Error('hunter2 is wrong');
    });
    await rotate();
    await local.rotationsSettled();
    expect(names()).toEqual(['RotationStarted', 'RotationFailed']);
    expect(events[1]?.detail.errorMessage).toBe(
      `Error when executing lambda ${arn} during createSecret step`,
    );
    expect(JSON.stringify(events)).not.toContain('hunter2');
  });

  it('tells a test of the function from a rotation', async () => {
    const { local, names, rotate } = await startListening();
    local.registerFunction('rotator', async () => {});
    await rotate({ RotateImmediately: false });
    await local.rotationsSettled();
    expect(names()).toEqual(['TestRotationStarted', 'TestRotationSucceeded']);
  });

  it('is told that a value put by hand ends a rotation', async () => {
    const { local, client, names, rotate } = await startListening();
    const { entered, open, pass } = gate();
    local.registerFunction('rotator', pass);
    await rotate();
    await entered;
    const put = { SecretId: 'n', SecretString: 'by hand', ClientRequestToken: token('three') };
    await client.putSecretValue(put);
    open();
    await local.rotationsSettled();
    expect(names()).toEqual(['RotationStarted', 'RotationAbandoned']);
    expect((await client.describeSecret({ SecretId: 'n' })).VersionIdsToStages).toEqual({
      [token('one')]: ['AWSPREVIOUS'],
      [token('three')]: ['AWSCURRENT'],
    });
  });

  it('is told of the deletion of each version, its cancellation and its end', async () => {
    const { client, clock, events, names } = await startListening();
    await client.deleteSecret({ SecretId: 'n', RecoveryWindowInDays: 7 });
    await client.restoreSecret({ SecretId: 'n' });
    await client.deleteSecret({ SecretId: 'n', RecoveryWindowInDays: 7 });
    await clock.advance(7 * day);
    expect(names()).toEqual([
      'StartSecretVersionDelete',
      'CancelSecretVersionDelete',
      'StartSecretVersionDelete',
      'EndSecretVersionDelete',
    ]);
    expect(events.at(-1)).toMatchObject({
      time: '2024-01-22T10:30:00Z',
      detail: { additionalEventData: { SecretVersionId: token('one') } },
    });
  });
});
