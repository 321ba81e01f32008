import { once } from 'node:events';
import { createServer } from 'node:net';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it, onTestFinished } from 'vitest';
import { randomRotators } from '../../rotators/random/index.ts';
import { createRotationHandler } from '../../src/handler.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const event = {
  Step: 'createSecret',
  SecretId: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf',
  ClientRequestToken: '11111111-2222-4333-8444-555555555555',
};

/** @param leftMs the time that the function has left, in ms */
function rotateBy(client: SecretsManagerClient, leftMs: number): Promise<unknown> {
  const handler = createRotationHandler({ rotators: randomRotators(), client, environment: {} });
  return handler(event, { getRemainingTimeInMillis: () => leftMs });
}

/** Takes connections and answers nothing, as in a VPC without a way to Secrets Manager. */
async function startSilence(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No address');
  return `http://127.0.0.1:${address.port}`;
}

describe('a Secrets Manager that does not answer', () => {
  it('is DeadlineExceeded, and says what to look at in a VPC', async () => {
    const client = new SecretsManagerClient({
      endpoint: await startSilence(),
      region: 'us-east-1',
      credentials,
    });
    onTestFinished(() => client.destroy());
    const failing = rotateBy(client, 1_000);
    await expect(failing).rejects.toMatchObject({ code: 'DeadlineExceeded' });
    for (const word of [
      'DescribeSecret',
      'VPC',
      'interface endpoint',
      'NAT',
      'security groups',
      '443',
      'private DNS',
    ]) {
      await expect(failing).rejects.toThrow(word);
    }
  });

  it.each([
    ['has no name in DNS', 'http://secretsmanager.invalid', 'ENOTFOUND|EAI_AGAIN'],
    ['refuses connections', 'http://127.0.0.1:9', 'ECONNREFUSED'],
  ])('says the same where its host %s', async (_case, endpoint, errno) => {
    const client = new SecretsManagerClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
    onTestFinished(() => client.destroy());
    // It ends by itself, but a machine without a network may look for the name for some seconds.
    const failing = rotateBy(client, 50_000);
    await expect(failing).rejects.toMatchObject({ code: 'SecretsManagerUnreachable' });
    await expect(failing).rejects.toThrow(new RegExp(errno));
    await expect(failing).rejects.toThrow('interface endpoint');
  });
});
