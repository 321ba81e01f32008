import { describe, expect, it, onTestFinished } from 'vitest';
import { oauthClientCredentials, oauthClientSecret } from '../../../rotators/oauth/index.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

const context = {
  signal: AbortSignal.timeout(30_000),
  note: () => undefined,
  owner: 'a',
  admin: async () => undefined,
};

/** A server that answers 200 to everything, as a proxy with a login page does. */
async function startAnswering(type: string, body: string): Promise<string> {
  const server = await startScriptedServer((_request, response) =>
    response.writeHead(200, { 'content-type': type }).end(body),
  );
  onTestFinished(server.stop);
  return server.url;
}

const page = ['text/html', '<!doctype html><title>Log in</title>'] as const;

describe('a server that answers 200 to everything', () => {
  const secretAt = async (endpoint: string, type: string, body: string) => {
    const url = await startAnswering(type, body);
    const rotator = oauthClientSecret();
    const credential = rotator.parse({
      client_id: 'app',
      client_secret: 'the-secret',
      [endpoint]: `${url}/it`,
      registration_client_uri: `${url}/register`,
      registration_access_token: 'access',
    });
    return rotator.open(credential, context);
  };

  it.each([
    ['introspection_endpoint', ...page],
    ['introspection_endpoint', 'application/json', '{}'],
    ['introspection_endpoint', 'application/json', ''],
    ['revocation_endpoint', ...page],
    ['revocation_endpoint', 'text/plain', `\n ${page[1]}`],
  ])('proves no client secret: %s, %s, %j', async (endpoint, type, body) => {
    await expect(secretAt(endpoint, type, body)).rejects.toThrow();
  });

  it.each([
    ['introspection_endpoint', 'application/json', '{"active":false}'],
    ['revocation_endpoint', 'text/html', ''],
    ['revocation_endpoint', 'application/json', '{}'],
  ])('proves one by the answer that the RFC has: %s, %s, %j', async (endpoint, type, body) => {
    expect(await secretAt(endpoint, type, body)).toBeDefined();
  });

  it('has not revoked a token when it shows a page', async () => {
    const url = await startAnswering(...page);
    const rotator = oauthClientCredentials();
    const credential = rotator.parse({
      client_id: 'app',
      client_secret: 'the-secret',
      token_endpoint: `${url}/token`,
      revocation_endpoint: `${url}/revoke`,
      access_token: 'old',
    });
    await expect(rotator.revoke?.(credential, { ...context, current: credential })).rejects.toThrow(
      /web page/,
    );
  });
});
