import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LocalSecretsManagerOptions } from '../../src/local/index.ts';
import { clientAt, startKeyturnLocal } from '../cli/keyturn-process.ts';
import { root, session, signedRequest, startEnforcing } from '../local/access-harness.ts';
import { clientOf, start } from '../local/harness.ts';

// The attacker: a web page that is open in a developer's browser. He gets the browser to send what browsers send.

const secretValue = 'a value that no page may read';
const json = 'application/x-amz-json-1.1';
const event = JSON.stringify({ Step: 'createSecret', SecretId: 'n', ClientRequestToken: 't' });
const invokePath = '/2015-03-31/functions/Rotator/invocations';

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request as it is. Unlike fetch, it lets a test set Host and Origin. */
async function send(url: string, { method = 'POST', path = '/', headers = {}, body }: Sent) {
  const { hostname, port } = new URL(url);
  const sent = request({ host: hostname, port, method, path, headers, setHost: headers.Host === undefined });
  sent.end(body);
  const [answer]: IncomingMessage[] = await once(sent, 'response');
  if (!answer) throw new Error('There is no answer');
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

/** What a page of a rebound name would send to read the secret. */
function reading(more: Readonly<Record<string, string>>): Sent {
  const headers = { 'Content-Type': json, 'X-Amz-Target': 'secretsmanager.GetSecretValue', ...more };
  return { headers, body: '{"SecretId": "n"}' };
}

async function startWithSecret(options: LocalSecretsManagerOptions = {}) {
  const harness = await start(options);
  await harness.client.createSecret({ Name: 'n', SecretString: secretValue });
  const invoked: unknown[] = [];
  harness.local.registerFunction('Rotator', (asked) => void invoked.push(asked));
  const { url } = harness.local;
  return { ...harness, url, port: new URL(url).port, invoked };
}

describe('a page whose name leads to this machine (DNS rebinding)', () => {
  const names = (port: string) => [
    `evil.example:${port}`,
    'evil.example',
    `127.0.0.1.evil.example:${port}`,
    `localhost.evil.example:${port}`,
    `evil.localhost:${port}`,
    `localhost.:${port}`,
    `host.docker.internal:${port}`,
    `127.1:${port}`,
    `2130706433:${port}`,
    `[::1].evil.example:${port}`,
    `evil@localhost:${port}`,
    `localhost:${port}@evil.example`,
    `localhost:${Number(port) - 1}`,
    '127.0.0.1',
    '',
  ];

  it('reads no secret, calls no function, and learns of none', async () => {
    const { url, port, invoked } = await startWithSecret();
    for (const Host of names(port)) {
      const read = await send(url, reading({ Host }));
      expect([Host, read.status, read.body]).toEqual([Host, 403, expect.stringContaining('AccessDenied')]);
      const headers = { Host, 'Content-Type': 'application/json' };
      const invoke = await send(url, { path: invokePath, headers, body: event });
      expect([Host, invoke.status, invoke.headers['x-amzn-errortype']]).toEqual([
        Host,
        403,
        'AccessDeniedException',
      ]);
      const path = '/2015-03-31/functions/Rotator/configuration';
      expect((await send(url, { method: 'GET', path, headers: { Host } })).status).toBe(403);
    }
    expect(invoked).toEqual([]);
  });

  it('is told apart from names that the server was told to serve, and from addresses', async () => {
    const { url, port } = await startWithSecret({ hostNames: ['host.docker.internal', '192.0.2.7'] });
    const served = [`localhost:${port}`, `LOCALHOST:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
    const told = ['host.docker.internal', 'Host.Docker.Internal:80', '192.0.2.7:32768', `172.17.0.1:${port}`];
    for (const Host of [...served, ...told]) {
      expect([Host, (await send(url, reading({ Host }))).body]).toEqual([
        Host,
        expect.stringContaining(secretValue),
      ]);
    }
    expect((await send(url, reading({ Host: 'docker.internal' }))).status).toBe(403);
  });
});

describe('a page that sends a request to another site', () => {
  it.each(['https://evil.example', 'null', 'http://localhost:3000', 'http://127.0.0.1:1', '', 'file://'])(
    'is refused as Origin %j',
    async (Origin) => {
      const { url, events } = await startWithSecret();
      const read = await send(url, reading({ Origin }));
      expect([read.status, read.headers['access-control-allow-origin']]).toEqual([403, undefined]);
      expect(read.body).not.toContain(secretValue);
      expect(events.at(-1)).toMatchObject({ operation: 'GetSecretValue', error: 'AccessDeniedException' });
      const asked = { method: 'OPTIONS', headers: { Origin, 'Access-Control-Request-Method': 'POST' } };
      expect((await send(url, asked)).status).toBe(403);
    },
  );

  it('is refused as its own origin too, which a rebound name makes it', async () => {
    const { url } = await startWithSecret();
    expect((await send(url, reading({ Origin: url }))).status).toBe(403);
  });

  it.each(['cross-site', 'same-site', 'same-origin'])('is refused by Sec-Fetch-Site: %s', async (site) => {
    const { url, invoked } = await startWithSecret();
    const headers = { 'Sec-Fetch-Site': site };
    expect((await send(url, reading(headers))).status).toBe(403);
    expect((await send(url, { method: 'GET', path: '/', headers })).status).toBe(403);
    const path = '/2015-03-31/functions/Rotator/policy';
    expect((await send(url, { method: 'GET', path, headers })).status).toBe(403);
    expect(invoked).toEqual([]);
  });

  it('opens no WebSocket', async () => {
    const { url } = await startWithSecret();
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' };
    const headers = {
      ...upgrade,
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      Origin: 'https://evil.example',
    };
    expect((await send(url, { method: 'GET', headers })).status).toBe(403);
  });

  it('may be allowed by its origin, and reads the answer then', async () => {
    const Origin = 'http://localhost:3000';
    const { url } = await startWithSecret({ allowedOrigins: [Origin] });
    const wanted = { 'Access-Control-Request-Headers': 'x-amz-target,content-type' };
    const asked = await send(url, { method: 'OPTIONS', headers: { Origin, ...wanted } });
    expect([asked.status, asked.headers['access-control-allow-headers']]).toEqual([
      204,
      wanted['Access-Control-Request-Headers'],
    ]);
    const read = await send(url, reading({ Origin, 'Sec-Fetch-Site': 'same-site' }));
    expect([read.headers['access-control-allow-origin'], read.body]).toEqual([
      Origin,
      expect.stringContaining(secretValue),
    ]);
    expect((await send(url, reading({ Origin: `${Origin}1` }))).status).toBe(403);
  });

  // Older browsers send some requests with neither Origin nor Sec-Fetch-Site.
  it.each(['text/plain', 'text/plain; application/json', 'multipart/form-data', undefined])(
    'is not heard with the content type %s, which needs no preflight',
    async (type) => {
      const { url, invoked } = await startWithSecret();
      const headers: Record<string, string> = type === undefined ? {} : { 'Content-Type': type };
      const invoke = await send(url, { path: invokePath, headers, body: event });
      expect([invoke.status, invoke.headers['x-amzn-errortype']]).toEqual([
        415,
        'UnsupportedMediaTypeException',
      ]);
      const form = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' };
      expect((await send(url, { path: invokePath, headers: form, body: event })).status).toBe(415);
      const target = { ...headers, 'X-Amz-Target': 'secretsmanager.GetSecretValue' };
      expect((await send(url, { headers: target, body: '{"SecretId": "n"}' })).body).toContain(
        'UnknownOperationException',
      );
      expect((await send(url, { method: 'GET', path: invokePath })).status).toBe(404);
      expect(invoked).toEqual([]);
    },
  );

  it('is told apart from the AWS SDKs, which sign', async () => {
    const { url, local, invoked } = await startWithSecret();
    const lambda = new LambdaClient({ ...local.clientConfig, maxAttempts: 1 });
    onTestFinished(() => lambda.destroy());
    await lambda.send(new InvokeCommand({ FunctionName: 'Rotator', Payload: Buffer.from(event) }));
    // As boto3 and the AWS CLI do it.
    const headers = {
      Authorization: 'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/lambda/aws4_request',
    };
    expect((await send(url, { path: invokePath, headers, body: event })).status).toBe(200);
    expect(invoked).toHaveLength(2);
  });
});

describe('what isn’t signed', () => {
  const role = session('reader', { policies: root.policies ?? [] });

  it.each([
    ['x-amz-target', 'x-amz-target'],
    ['host', "'Host' or ':authority'"],
    ['x-amz-security-token', 'x-amz-security-token'],
    ['x-amz-date', 'x-amz-date'],
  ])('can’t be changed under a signature: %s', async (name, words) => {
    await using harness = await startEnforcing([role]);
    const { url } = harness.local;
    const signed = await signedRequest(url, role, { operation: 'ListSecrets', unsigned: name });
    const answer = await send(url, signed);
    expect(answer.body).toContain('InvalidSignatureException');
    expect(answer.body).toContain(words);
  });

  it('invokes no function where policies are enforced', async () => {
    await using harness = await startEnforcing();
    const { url } = harness.local;
    harness.local.registerFunction('Rotator', () => 'called');
    const answer = await send(url, {
      path: invokePath,
      headers: { 'Content-Type': 'application/json' },
      body: event,
    });
    expect([answer.status, answer.headers['x-amzn-errortype']]).toEqual([
      403,
      'MissingAuthenticationTokenException',
    ]);
  });
});

describe('a request that makes no sense', () => {
  const paths = [
    '%',
    '%E0%A4%A',
    '%00',
    '%2F',
    '..',
    '%2e%2e',
    'a:b:c:d',
    'arn%3Aaws%3As3%3A%3A%3Ab',
    'é',
    'x'.repeat(5000),
  ];
  const routes = ['invocations', 'policy', 'configuration', '', 'unknown'];
  const bodies = [
    '',
    '{',
    '[]',
    'null',
    `"${'x'.repeat(2_000_000)}"`,
    `${'['.repeat(100_000)}`,
    '{"__proto__": 1}',
  ];

  it.each([
    [false, [] as string[]],
    [true, ['--enforce', '--policies', 'examples/policies/johndoe.json']],
  ])('ends no process (enforced: %s)', async (enforced, args) => {
    const server = await startKeyturnLocal(...args);
    const { url } = server;
    for (const name of paths) {
      for (const route of routes) {
        const path = encodeURI(`/2015-03-31/functions/${name}/${route}`).replaceAll('%25', '%');
        const get = await send(url, { method: 'GET', path });
        expect([path, get.status]).toEqual([
          path,
          expect.toSatisfy((status) => status >= 400 && status < 500),
        ]);
        const headers = { 'Content-Type': 'application/json' };
        expect((await send(url, { path, headers, body: event })).status).toBeLessThan(500);
      }
    }
    for (const body of bodies) {
      for (const path of ['/', '/?a=%', '//', '//evil', '/%', invokePath, '*', 'http://evil.example/']) {
        const headers = { 'Content-Type': json, 'X-Amz-Target': 'secretsmanager.ListSecrets' };
        expect((await send(url, { path, headers, body })).status).toBeLessThan(500);
      }
    }
    for (const raw of [
      '\r\n\r\n',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'CONNECT evil:1 HTTP/1.1\r\n\r\n',
      '\0\0',
    ]) {
      await sendRaw(url, raw);
    }
    if (!enforced) await clientAt(url).listSecrets({});
    expect(await server.kill('SIGTERM')).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('is answered, whatever its headers', async () => {
    const policies: LocalSecretsManagerOptions = { policies: 'enforce', principals: [root] };
    for (const options of [{}, policies]) {
      const { local } = await start(options);
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(
            'authorization',
            'x-amz-date',
            'x-amz-target',
            'content-type',
            'x-amz-invocation-type',
          ),
          fc.oneof(fc.string(), fc.constantFrom(...odd)),
          fc.constantFrom('/', invokePath),
          async (name, value, path) => {
            const headers = {
              ...(await signedRequest(local.url, root, { operation: 'ListSecrets' })).headers,
            };
            const changed = { ...headers, [name]: value.replace(/[^\x20-\x7e]/g, '').trim() };
            expect((await send(local.url, { path, headers: changed, body: '{}' })).status).toBeLessThan(500);
          },
        ),
        { numRuns: 100 },
      );
    }
  });

  it('as a function’s answer that is no JSON is the function’s error', async () => {
    const { local } = await start();
    local.registerFunction('Rotator', () => 1n);
    const lambda = new LambdaClient({ ...local.clientConfig, maxAttempts: 1 });
    onTestFinished(() => lambda.destroy());
    const answer = await lambda.send(
      new InvokeCommand({ FunctionName: 'Rotator', Payload: Buffer.from(event) }),
    );
    expect(answer.FunctionError).toBe('Unhandled');
    await clientOf(local).listSecrets({});
  });
});

const odd = [
  'AWS4-HMAC-SHA256 Credential=ADMIN/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host;x-amz-date, Signature=00',
  `AWS4-HMAC-SHA256 Credential=AKIAADMIN/99999999/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
  '99999999T999999Z',
  'secretsmanager.__proto__',
  'secretsmanager.constructor',
];

/** Resolves when the server has closed the connection. */
async function sendRaw(url: string, raw: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  socket.resume();
  socket.end(raw);
  await closed;
}
