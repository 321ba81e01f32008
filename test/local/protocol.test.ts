import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { start } from './harness.ts';

async function post(url: string, operation: string, body: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'X-Amz-Target': `secretsmanager.${operation}`, 'Content-Type': 'application/x-amz-json-1.1' },
    body,
  });
  const answer: unknown = await response.json();
  return { status: response.status, headers: response.headers, answer };
}

describe('the protocol', () => {
  it('answers with a request id and the right content type', async () => {
    const { local } = await start();
    const { status, headers, answer } = await post(local.url, 'ListSecrets', '{}');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/x-amz-json-1.1');
    expect(headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer).toEqual({ SecretList: [] });
  });

  it.each([
    ['DescribeSecret', '{"SecretId": "half', 'SerializationException'],
    ['DescribeSecret', '[]', 'SerializationException'],
    ['DescribeSecret', '"text"', 'SerializationException'],
    ['DescribeSecret', '{"SecretId": 5}', 'SerializationException'],
    ['DescribeSecret', '{"SecretId": {"a": 1}}', 'SerializationException'],
    ['CreateSecret', '{"Name": "n", "Tags": {}}', 'SerializationException'],
    ['CreateSecret', '{"Name": "n", "SecretString": "\\ud800"}', 'SerializationException'],
    ['CreateSecret', '{"Name": "n", "Tags": [{"Key": "\\udc00x"}]}', 'SerializationException'],
    ['CreateSecret', '{"Name": "n", "SecretBinary": "%%%"}', 'SerializationException'],
    ['CreateSecret', '{"Name": "n", "SecretString": "v"}', 'InvalidRequestException'],
    ['RotateSecret', '{"SecretId": "n"}', 'InvalidParameterException'],
    ['DescribeSecret', '{"SecretId": "no name"}', 'ValidationException'],
    ['RotateSecret', '{"SecretId": "s", "RotateImmediately": "no"}', 'SerializationException'],
    ['ListSecrets', '{"MaxResults": "5"}', 'SerializationException'],
    ['DescribeSecret', '{}', 'ValidationException'],
    ['ListSecrets', '{"Filters": [{"Key": "colour", "Values": ["x"]}]}', 'ValidationException'],
    ['ListSecrets', '{"Filters": [{"Key": "name"}]}', 'InvalidParameterException'],
    ['DescribeSecret', '{"SecretId": null}', 'ValidationException'],
    ['DescribeSecret', '{"SecretId": "nowhere"}', 'ResourceNotFoundException'],
    ['NoSuchOperation', '{}', 'UnknownOperationException'],
    ['constructor', '{}', 'UnknownOperationException'],
  ])('answers %s %s with %s', async (operation, body, error) => {
    const { local, events } = await start();
    const { status, answer } = await post(local.url, operation, body);
    expect(status).toBe(400);
    const key = /^(Serialization|Validation|UnknownOperation)/.test(error) ? 'message' : 'Message';
    expect(answer).toEqual({ __type: error, [key]: expect.any(String) });
    expect(events).toMatchObject([{ type: 'call', operation, error }]);
  });

  it('names what breaks a constraint in AWS’s words, and no secret value', async () => {
    const { local } = await start();
    const longValue = 'hunter2'.repeat(10_000);
    const body = JSON.stringify({
      Name: '',
      ClientRequestToken: 'short',
      SecretString: longValue,
      Tags: [{ Key: '' }],
    });
    const { answer } = await post(local.url, 'CreateSecret', body);
    expect(answer).toEqual({
      __type: 'ValidationException',
      message:
        "4 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater " +
        "than or equal to 1; Value 'short' at 'clientRequestToken' failed to satisfy constraint: Member must have length " +
        "greater than or equal to 32; Value at 'secretString' failed to satisfy constraint: Member must have length less " +
        "than or equal to 65536; Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length " +
        'greater than or equal to 1',
    });
    const missing = await post(local.url, 'DescribeSecret', '{}');
    expect(missing.answer).toMatchObject({
      message:
        "1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null",
    });
  });

  it('keeps every text that UTF-8 can hold, and refuses a body in which there is none', async () => {
    const { local, client } = await start();
    const text = '\u{1F511} \uFFFD \0 \uFEFF';
    await client.createSecret({ Name: 'n', SecretString: text });
    expect((await client.getSecretValue({ SecretId: 'n' })).SecretString).toBe(text);
    const headers = {
      'X-Amz-Target': 'secretsmanager.CreateSecret',
      'Content-Type': 'application/x-amz-json-1.1',
    };
    for (const bytes of [[0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      const body = Buffer.concat([
        Buffer.from('{"Name": "m", "SecretString": "'),
        Buffer.from(bytes),
        Buffer.from('"}'),
      ]);
      const answer = await fetch(local.url, { method: 'POST', headers, body });
      expect([answer.status, await answer.json()]).toEqual([
        400,
        { __type: 'SerializationException', message: 'The request body is not valid UTF-8.' },
      ]);
    }
  });

  it('refuses a body that is too large, and keeps on answering', async () => {
    const { local } = await start();
    const body = JSON.stringify({ Name: 'n', SecretString: 'x'.repeat(3_000_000) });
    const { status, answer } = await post(local.url, 'CreateSecret', body);
    expect(status).toBe(413);
    expect(answer).toMatchObject({ __type: 'RequestEntityTooLargeException' });
    expect((await post(local.url, 'ListSecrets', '{}')).answer).toEqual({ SecretList: [] });
  });

  it('needs a target, and says what it is to a browser', async () => {
    const { local } = await start();
    const withoutTarget = await fetch(local.url, { method: 'POST', body: '{}' });
    expect(await withoutTarget.json()).toMatchObject({ __type: 'UnknownOperationException' });
    const page = await fetch(local.url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('endpoint URL')]);
    expect((await fetch(local.url, { method: 'DELETE' })).status).toBe(405);
  });

  it('is not stopped by a client that hangs up in the middle of its request', async () => {
    const { local, events } = await start();
    const { hostname, port } = new URL(local.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(
      `POST / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/x-amz-json-1.1\r\n` +
        'X-Amz-Target: secretsmanager.ListSecrets\r\nContent-Length: 100\r\n\r\n{',
    );
    socket.destroy();
    expect((await post(local.url, 'ListSecrets', '{}')).status).toBe(200);
    expect(events).toHaveLength(1);
  });

  it('tells listeners who called', async () => {
    const { client, events } = await start();
    await client.getRandomPassword({});
    expect(events).toMatchObject([
      { type: 'call', operation: 'GetRandomPassword', accessKeyId: 'local', error: undefined },
    ]);
  });

  it('answers nothing where the API has no answer', async () => {
    const { local, client } = await start();
    await client.createSecret({ Name: 'n' });
    const response = await fetch(local.url, {
      method: 'POST',
      headers: {
        'X-Amz-Target': 'secretsmanager.UntagResource',
        'Content-Type': 'application/x-amz-json-1.1',
      },
      body: '{"SecretId": "n", "TagKeys": []}',
    });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([
      200,
      '0',
      '',
    ]);
  });
});
