import type { RequestListener, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { oauthClientCredentials, oauthRefreshToken, oauthRotators } from '../../../rotators/oauth/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { type ScriptedServer, startScriptedServer } from '../../support/scripted-server.ts';

const tags = { 'keyturn:rotator': 'oauth/client-credentials' };

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function scripted(
  answer: RequestListener,
  tls?: { key: string; cert: string },
): Promise<ScriptedServer> {
  const server = await startScriptedServer(answer, tls);
  onTestFinished(server.stop);
  return server;
}

function secretAt({ url }: ScriptedServer, more: SecretFields = {}): SecretFields {
  const client = { client_id: 'app', client_secret: 'the-secret-of-app' };
  return { token_endpoint: `${url}/token`, access_token: 'the-first-token', ...client, ...more };
}

describe('a server that answers what it should not', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture({ rotators: oauthRotators() });
  });
  afterAll(() => fixture.close());

  const rotate = async (secret: SecretFields): Promise<string | undefined> =>
    fixture.rotate(await fixture.createSecret(secret, tags));

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['HTML', (response) => response.end('<html>Welcome</html>'), /^TargetFailed: .*no JSON object/],
    ['nothing', (response) => response.end(), /^TargetFailed: .*no JSON object/],
    ['a list', (response) => json(response, ['t']), /^TargetFailed: .*no JSON object/],
    ['no token', (response) => json(response, { token_type: 'Bearer' }), /^TargetFailed: .*no access_token/],
    [
      'an error of its own',
      (response) => response.writeHead(500).end('Oops'),
      /^TargetFailed: .*answers 500\./,
    ],
    [
      'a redirect',
      (response) => response.writeHead(302, { location: '/x' }).end(),
      /^TargetFailed: .*redirected \(302\)/,
    ],
    [
      'throttling',
      (response) => response.writeHead(429).end(),
      /^TargetBusy: .*token request was answered 429/,
    ],
    ['that it is down', (response) => response.writeHead(503).end(), /^TargetBusy: .*answered 503/],
    ['by a gateway', (response) => response.writeHead(502).end(), /^TargetUnreachable: .*answers 502/],
    [
      'more than 1 MiB',
      (response) => response.on('error', () => undefined).end('x'.repeat(1_100_000)),
      /^TargetFailed: .*more than 1048576 bytes/,
    ],
    [
      'invalid_scope',
      (response) => json(response, { error: 'invalid_scope' }, 400),
      /answers 400 \(invalid_scope\)/,
    ],
    ['words as a code', (response) => json(response, { error: 'token the-first' }, 400), /answers 400\./],
    ['half a body', (response) => halfOf(response), /^TargetUnreachable: /],
    ['by hanging up', (response) => void response.socket?.destroy(), /^TargetUnreachable: /],
  ])('%s: the error is typed, and nothing is changed', async (_what, respond, error) => {
    const server = await scripted((_request, response) => respond(response));
    const arn = await fixture.createSecret(secretAt(server), tags);
    expect(await fixture.rotate(arn)).toMatch(error);
    expect(await fixture.read(arn)).toEqual(secretAt(server));
    expect(server.asked).toEqual(['POST /token']);
  });

  it('asks again when the server says when, and the rotation does not notice', async () => {
    const server = await scripted((_request, response) => {
      if (server.asked.length > 1) return json(response, { access_token: 'new' });
      response.writeHead(429, { 'retry-after': '0' }).end();
    });
    expect(await rotate(secretAt(server))).toBeUndefined();
    expect(server.asked).toEqual(['POST /token', 'POST /token']);
  });

  it('loses nothing of an answer that is odd otherwise', async () => {
    const answer = {
      access_token: 'new',
      refresh_token: 'r2',
      expires_in: '1e300',
      token_type: 'X',
      id_token: 1,
    };
    const server = await scripted((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(answer));
    });
    const arn = await fixture.createSecret(secretAt(server, { refresh_token: 'r1' }), {
      'keyturn:rotator': 'oauth/refresh-token',
    });
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.read(arn)).toMatchObject({ access_token: 'new', refresh_token: 'r2' });
    // Without an introspection endpoint there is only the expiry to go by.
    expect(fixture.recorded.notes.join()).toContain('The server has no introspection endpoint');
  });

  it('keeps the refresh token that the server does not replace', async () => {
    const server = await scripted((_request, response) => json(response, { access_token: 'new' }));
    const arn = await fixture.createSecret(secretAt(server, { refresh_token: 'r1', expires_at: 1 }), {
      'keyturn:rotator': 'oauth/refresh-token',
    });
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.read(arn)).toMatchObject({
      access_token: 'new',
      refresh_token: 'r1',
      expires_at: null,
    });
  });

  it('loses nothing of a registration that is odd otherwise', async () => {
    const registrations = [
      { client_id: 'app', client_secret: 'the-secret-of-app', registration_access_token: 'rat-1' },
      {
        client_id: 'app',
        client_secret: 'another-secret',
        registration_access_token: 'rat-2',
        registration_client_uri: 'http://inner.example/reg/app',
        client_secret_expires_at: '1e300',
      },
    ];
    const server = await scripted((request, response) =>
      request.url === '/reg/app' ? json(response, registrations.shift()) : json(response, { active: false }),
    );
    const secret = {
      ...secretAt(server, { introspection_endpoint: `${server.url}/introspection` }),
      registration_client_uri: `${server.url}/reg/app`,
      registration_access_token: 'rat-1',
    };
    const arn = await fixture.createSecret(secret, { 'keyturn:rotator': 'oauth/client-secret' });
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.read(arn)).toEqual({
      ...secret,
      client_secret: 'another-secret',
      client_secret_expires_at: 0,
      registration_access_token: 'rat-2',
    });
  });

  it('is read by RFC 8414 where it has no OpenID Connect, and only about itself', async () => {
    const server = await scripted((request, response) => {
      const { url } = server;
      if (request.url === '/.well-known/oauth-authorization-server')
        return json(response, { issuer: url, token_endpoint: `${url}/token` });
      if (request.url === '/other/.well-known/openid-configuration')
        return json(response, { issuer: url, token_endpoint: `${url}/token` });
      if (request.url === '/token') return json(response, { access_token: 'new', expires_in: 60 });
      response.writeHead(404).end();
    });
    const secret = secretAt(server, { token_endpoint: undefined, issuer: server.url });
    expect(await rotate(secret)).toBeUndefined();
    expect(server.asked).toContain('POST /token');
    server.asked.length = 0;
    expect(await rotate({ ...secret, issuer: `${server.url}/other` })).toMatch(/^TargetFailed: .*issuer/);
    expect(server.asked).not.toContain('POST /token');
  });

  it('is sent nothing at an endpoint that is not https', async () => {
    const server = await scripted((_request, response) =>
      json(response, { issuer: server.url, token_endpoint: 'http://oauth.example/token' }),
    );
    const secret = secretAt(server, { token_endpoint: undefined, issuer: server.url });
    expect(await rotate(secret)).toMatch(/^TargetFailed: .*an endpoint that is not https/);
  });
});

it('trusts a private authority, and no other', async () => {
  const { cert, key } = await makeCertificate();
  const answer: RequestListener = (_request, response) =>
    json(response, { access_token: 'new', expires_in: 60 });
  const server = await scripted(answer, { key, cert });
  const [trusting, other] = [oauthClientCredentials({ ca: () => cert }), oauthRefreshToken()];
  const fixture = await startFixture({ rotators: [trusting, other] });
  onTestFinished(() => fixture.close());
  expect(await fixture.rotate(await fixture.createSecret(secretAt(server), tags))).toBeUndefined();
  const secret = secretAt(server, { refresh_token: 'r1' });
  const failure = await fixture.rotate(
    await fixture.createSecret(secret, { 'keyturn:rotator': 'oauth/refresh-token' }),
  );
  expect(failure).toMatch(/^CertificateRejected: /);
});

it('reaches every server by the authorities of the function, also where it rotates client secrets', async () => {
  const tls = await makeCertificate();
  const registrations = ['the-secret-of-app', 'another-secret'].map((client_secret) => ({ client_secret }));
  const server = await scripted(
    (request, response) =>
      json(
        response,
        request.url === '/reg/app' ? registrations.shift() : { active: false, access_token: 'new' },
      ),
    tls,
  );
  const fixture = await startFixture({ rotators: oauthRotators({ ca: () => tls.cert }) });
  onTestFinished(() => fixture.close());
  const secret = secretAt(server, {
    introspection_endpoint: `${server.url}/introspection`,
    registration_client_uri: `${server.url}/reg/app`,
    registration_access_token: 'rat-1',
  });
  const arn = await fixture.createSecret(secret, { 'keyturn:rotator': 'oauth/client-secret' });
  expect(await fixture.rotate(arn)).toBeUndefined();
  expect(await fixture.read(arn)).toMatchObject({ client_secret: 'another-secret' });
});

/** An answer that ends in the middle of a token. */
function halfOf(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('{"access_token":"half-of-a-tok', () => response.socket?.destroy());
}
