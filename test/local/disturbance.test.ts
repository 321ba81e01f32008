import { GetRandomPasswordCommand, SecretsManager } from '@aws-sdk/client-secrets-manager';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delayOf } from '../../src/local/disturbance/disturbance.ts';
import { createFaults, seededRandom } from '../../src/local/disturbance/faults.ts';
import { createThrottle } from '../../src/local/disturbance/throttle.ts';
import { operations } from '../../src/local/operations/table.ts';
import { eventually } from '../support/eventually.ts';
import { account, allow, policy, startEnforcing, user } from './access-harness.ts';
import { expectError, start, token } from './harness.ts';

describe('throttling', () => {
  it('lets as many calls through as the quota of a second, and goes on with it', () => {
    let now = 0;
    const throttle = createThrottle({ GetSecretValue: 10 }, () => now);
    const passed = (calls: number, place = 'here'): number => {
      let count = 0;
      for (let n = 0; n < calls; n++) {
        try {
          throttle('GetSecretValue', place);
          count += 1;
        } catch (error) {
          expect(error).toMatchObject({ type: 'ThrottlingException', message: 'Rate exceeded', status: 400 });
        }
      }
      return count;
    };
    expect(passed(25)).toBe(10);
    expect(passed(25, 'elsewhere')).toBe(10);
    now += 500;
    expect(passed(25)).toBe(5);
    now += 60_000;
    expect(passed(25)).toBe(10);
    expect(() => throttle('DescribeSecret', 'here')).not.toThrow();
  });

  it('never lets more through than the quota times the seconds, and one second more', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 200 }), (gaps) => {
        let now = 0;
        const throttle = createThrottle({ ListSecrets: 3 }, () => now);
        let passed = 0;
        for (const gap of gaps) {
          now += gap;
          try {
            throttle('ListSecrets', 'here');
            passed += 1;
          } catch {
            // Throttled.
          }
        }
        expect(passed).toBeLessThanOrEqual(3 + (now / 1000) * 3);
      }),
    );
  });

  it('by AWS’s quotas knows every operation, and counts some together', () => {
    for (const operation of operations.values()) {
      const throttle = createThrottle('aws', () => 0);
      const tooMany = () => {
        for (let n = 0; n < 50_000; n++) throttle(operation.name, 'here');
      };
      expect(tooMany).toThrow('Rate exceeded');
    }
    const throttle = createThrottle('aws', () => 0);
    for (let n = 0; n < 25; n++) {
      throttle('PutSecretValue', 'here');
      throttle('UpdateSecret', 'here');
    }
    expect(() => throttle('UpdateSecretVersionStage', 'here')).toThrow('Rate exceeded');
    expect(() => throttle('CreateSecret', 'here')).not.toThrow();
  });

  it('is answered as AWS does, which its client tries again', async () => {
    const { local, client, events } = await start({ throttle: { GetRandomPassword: 1 } });
    await client.getRandomPassword({});
    await expectError(client.getRandomPassword({}), 'ThrottlingException', 'Rate exceeded');
    expect(events.at(-1)).toMatchObject({ operation: 'GetRandomPassword', error: 'ThrottlingException' });
    const patient = new SecretsManager({ ...local.clientConfig, maxAttempts: 10 });
    await patient.getRandomPassword({});
    patient.destroy();
  });

  it('counts for the account of the caller', async () => {
    const someone = user('someone', { policies: [policy(allow('*'))] }, '210987654321');
    await using harness = await startEnforcing([someone], { throttle: { GetRandomPassword: 1 } });
    const ask = (principal?: typeof someone) =>
      harness
        .as(principal)
        .send(new GetRandomPasswordCommand({}), {})
        .then(() => account);
    expect(await Promise.all([ask(), ask(someone)])).toEqual([account, account]);
  });
});

describe('faults', () => {
  it('are answered in their share and no more often than asked for, the same for the same seed', () => {
    const drawn = (seed: number) => {
      const faults = createFaults([{ fault: 'reset', share: 0.1 }], seededRandom(seed));
      return Array.from({ length: 10_000 }, () => faults.next('ListSecrets') === 'reset');
    };
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
    const share = drawn(1).filter(Boolean).length / 10_000;
    expect(Math.abs(share - 0.1)).toBeLessThan(0.02);
    const faults = createFaults([{ fault: 'Busy', times: 2, operation: 'ListSecrets' }], () => 0.5);
    const next = () => [faults.next('GetSecretValue'), faults.next('ListSecrets')];
    expect([next(), next(), next()]).toEqual([
      [undefined, 'Busy'],
      [undefined, 'Busy'],
      [undefined, undefined],
    ]);
  });

  it('are errors that the client knows', async () => {
    const { local, client, events } = await start();
    const end = local.injectFault({ operation: 'ListSecrets', fault: 'InternalServiceError' });
    const failing = client.listSecrets({});
    await expect(failing).rejects.toMatchObject({
      name: 'InternalServiceError',
      $metadata: { httpStatusCode: 500 },
    });
    expect(events.at(-1)).toMatchObject({ operation: 'ListSecrets', error: 'InternalServiceError' });
    end();
    await client.listSecrets({});
  });

  it('cut the connection before anything is done, or after all of it', async () => {
    const { local, client, events } = await start();
    const create = (word: string) =>
      client.createSecret({ Name: word, SecretString: word, ClientRequestToken: token(word) });
    local.injectFault({ fault: 'reset', times: 1 });
    await expect(create('reset')).rejects.toThrow();
    expect(events.at(-1)).toMatchObject({ operation: 'CreateSecret', error: 'reset' });
    await expectError(client.describeSecret({ SecretId: 'reset' }), 'ResourceNotFoundException', /./);
    local.injectFault({ fault: 'lost-answer', times: 1 });
    await expect(create('lost')).rejects.toThrow();
    const { VersionIdsToStages } = await client.describeSecret({ SecretId: 'lost' });
    expect(VersionIdsToStages).toEqual({ [token('lost')]: ['AWSCURRENT'] });
    expect((await create('lost')).VersionId).toBe(token('lost'));
  });

  it('leave a call without an answer, until the client gives up or the server is closed', async () => {
    const { local, events } = await start({ faults: [{ operation: 'ListSecrets', fault: 'no-answer' }] });
    const client = new SecretsManager({
      ...local.clientConfig,
      maxAttempts: 1,
      // Long enough that the server has the call by then, even if both are slow.
      requestHandler: { requestTimeout: 1_000, throwOnRequestTimeout: true },
    });
    await expect(client.listSecrets({})).rejects.toThrow();
    client.destroy();
    await eventually(() => expect(events).toMatchObject([{ error: 'no-answer' }]));
    const waiting = fetch(local.url, {
      method: 'POST',
      headers: { 'X-Amz-Target': 'secretsmanager.ListSecrets', 'Content-Type': 'application/x-amz-json-1.1' },
      body: '{}',
    });
    const rejected = expect(waiting).rejects.toThrow();
    await local.close();
    await rejected;
  });

  it.each([
    [{ faults: [{ fault: 'explode' }] }, /not explode/],
    [{ faults: [{ fault: 'reset', share: 0 }] }, /share/],
    [{ faults: [{ fault: 'reset', share: 2 }] }, /share/],
    [{ faults: [{ fault: 'reset', times: 0 }] }, /once at least/],
    [{ throttle: { GetSecretValue: 0 } }, /1 call per second/],
    [{ latencyMs: -1 }, /latencyMs/],
    [{ latencyMs: [5, 1] as const }, /latencyMs/],
  ])('that make no sense are refused: %j', async (options, message) => {
    await expect(start(options)).rejects.toThrow(message);
  });

  it('can be had with latency, between two bounds', () => {
    expect(delayOf(0, Math.random)).toBeUndefined();
    expect(delayOf(30, Math.random)?.()).toBe(30);
    const delay = delayOf([20, 80], seededRandom(1));
    const delays = Array.from({ length: 1000 }, () => delay?.() ?? 0);
    expect(delays.every((ms) => ms >= 20 && ms < 80)).toBe(true);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(50);
  });

  it('come after the latency, which every call has', async () => {
    const { client, events } = await start({ latencyMs: 1 });
    await client.listSecrets({});
    expect(events).toMatchObject([{ operation: 'ListSecrets', error: undefined }]);
  });
});
