import { createServer } from 'node:http';
import { Agent, fetch as undici } from 'undici';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { oauthClientSecret, oauthRotators } from '../../rotators/oauth/index.ts';
import { createFetch, createSecrets, refusedBy, type SecretSource } from '../../src/client/index.ts';
import { withTokenWorld } from '../rotators/api-token/world.ts';
import { startOAuthServer } from '../support/oauth/server.ts';
import { startFixture } from '../support/rotation-fixture.ts';
import { accountApi } from '../support/token-service/accounts.ts';
import { startApplication, underLoad } from './support/world.ts';

afterEach(() => vi.restoreAllMocks());

describe('a fetch with an API token', () => {
  it('serves 20 at once through rotations, and nobody notices', async () => {
    await withTokenWorld(
      () => accountApi('admin'),
      async ({ fixture, service, arn }) => {
        const { secret, calls, count, close } = startApplication(fixture, arn);
        const fetch = createFetch(secret);
        const { done, errors } = await underLoad(
          20,
          async () => {
            const response = await fetch(`${service.url}/me`);
            expect([response.status, Object.keys(Object(await response.json()))]).toEqual([
              200,
              ['name', 'token_id'],
            ]);
          },
          async () => {
            for (let time = 0; time < 4; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
          },
        );
        close();
        expect(errors).toEqual([]);
        expect(done).toBeGreaterThan(20);
        // Two tokens are valid at once, so only every second rotation ends the token in use.
        expect(count('bridged')).toBeGreaterThan(0);
        expect(calls.length).toBeLessThanOrEqual(1 + 4);
      },
    );
  });
});

describe('a fetch with an access token of OAuth', () => {
  it('serves through rotations, and nobody notices', async () => {
    const [server, fixture] = await Promise.all([
      startOAuthServer({ leewayMs: 60_000 }),
      startFixture({ rotators: oauthRotators() }),
    ]);
    onTestFinished(async () => {
      await fixture.close();
      await server.stop();
    });
    const fields = { ...(await server.authorizedClient()), revokes_access_tokens: true };
    const arn = await fixture.createSecret(fields, { 'keyturn:rotator': 'oauth/refresh-token' });
    const { secret, count, close } = startApplication(fixture, arn);
    onTestFinished(close);
    const fetch = createFetch(secret, { origin: server.issuer });
    const { errors } = await underLoad(
      5,
      async () => expect((await fetch(`${server.issuer}/me`)).status).toBe(200),
      async () => {
        for (let time = 0; time < 4; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
      },
    );
    expect(errors).toEqual([]);
    expect(count('bridged')).toBeGreaterThan(0);
  });
});

describe('the secret of a client of OAuth', () => {
  it('gets tokens through rotations by `use`, also at a server that ends the old one at once', async () => {
    const [server, fixture] = await Promise.all([
      startOAuthServer({ leewayMs: 0 }),
      startFixture({ rotators: [oauthClientSecret({ overlap: 'none' })] }),
    ]);
    onTestFinished(async () => {
      await fixture.close();
      await server.stop();
    });
    const tags = { 'keyturn:rotator': 'oauth/client-secret' };
    const arn = await fixture.createSecret(await server.registeredClient(), tags);
    const { secret, count, close } = startApplication(fixture, arn);
    onTestFinished(close);
    const getToken = () =>
      secret.use(
        async ({ fields: { token_endpoint, client_id, client_secret } }) => {
          const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
          const body = new URLSearchParams({ grant_type: 'client_credentials' });
          const response = await fetch(String(token_endpoint), {
            method: 'POST',
            headers: { authorization },
            body,
          });
          const answer = Object(await response.json());
          if (!response.ok) throw Object.assign(new Error(answer.error), { status: response.status });
          return answer.access_token;
        },
        { isRefused: refusedBy.http },
      );
    const { errors } = await underLoad(5, getToken, async () => {
      for (let time = 0; time < 4; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
    });
    expect(errors).toEqual([]);
    expect(count('bridged')).toBeGreaterThan(0);
  });
});

/** A service that accepts only the newest token, and keeps what it was sent. */
async function startService() {
  const seen: { method?: string | undefined; url?: string | undefined; headers: object; body: string }[] = [];
  const service = { token: 'token-one-of-the-secret', seen, redirectTo: '', status: 401 };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    if (service.redirectTo !== '') return response.writeHead(307, { location: service.redirectTo }).end();
    const sent = [headers.authorization, headers['x-api-key']];
    const isIn = sent.includes(`Bearer ${service.token}`) || sent.includes(service.token);
    response.writeHead(isIn ? 200 : service.status).end(isIn ? 'in' : 'out');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { service, url: `http://127.0.0.1:${port}`, seen };
}

function secretOf(text: () => string) {
  let version = 0;
  const source: SecretSource = {
    read: async ({ stage }) => {
      if (stage !== 'AWSCURRENT')
        throw Object.assign(new Error('none'), { name: 'ResourceNotFoundException' });
      version += 1;
      return { arn: 'arn', versionId: String(version), text: text() };
    },
  };
  return createSecrets({ source }).secret('api');
}

describe('a fetch with a token', () => {
  it('sends a request again with its body, whatever that is', async () => {
    const { service, url, seen } = await startService();
    const bodies: (() => NonNullable<RequestInit['body']>)[] = [
      () => 'a text',
      () => new URLSearchParams({ a: 'b' }),
      () => Buffer.from('bytes'),
      () => new Blob(['a blob']),
      () => ReadableStream.from([Buffer.from('a stream')]),
    ];
    for (const body of bodies) {
      service.token = 'token-one-of-the-secret';
      const fetch = createFetch(secretOf(() => JSON.stringify({ host: url, token: service.token })));
      await fetch(url);
      service.token = 'token-two-of-the-secret';
      seen.length = 0;
      const init = { method: 'POST', body: body(), duplex: 'half' as const };
      expect((await fetch(`${url}/orders?x=1`, init)).status).toBe(200);
      const [first, second] = seen;
      expect([first?.method, first?.url, first?.body]).toEqual([second?.method, second?.url, second?.body]);
      expect(second?.body).not.toBe('');
    }
  });

  it('returns the answer of a refusal that stays, and does not take 403 for a refusal', async () => {
    const { service, url } = await startService();
    const fetch = createFetch(
      secretOf(() => JSON.stringify({ host: url, token: 'a wrong one' })),
      { deadline: '300ms' },
    );
    const refused = await fetch(url);
    expect([refused.status, await refused.text()]).toEqual([401, 'out']);
    service.status = 403;
    expect((await fetch(url)).status).toBe(403);
  });

  it.each([
    ['token', {}],
    ['access_token', {}],
    ['key', { field: 'key' }],
  ])('takes the token from the field %s', async (field, options) => {
    const { service, url } = await startService();
    const fetch = createFetch(
      secretOf(() => JSON.stringify({ host: url, [field]: service.token })),
      options,
    );
    expect((await fetch(url)).status).toBe(200);
  });

  it('takes a plain text as the token, and another header if one is named', async () => {
    const { service, url, seen } = await startService();
    const fetch = createFetch(
      secretOf(() => service.token),
      { origin: url, header: 'X-Api-Key' },
    );
    expect((await fetch(new Request(url, { headers: { 'x-other': 'kept' } }))).status).toBe(200);
    expect(seen[0]?.headers).toMatchObject({ 'x-api-key': service.token, 'x-other': 'kept' });
    expect(seen[0]?.headers).not.toHaveProperty('authorization');
  });

  it('sends the token to its own origin alone', async () => {
    const [{ service, url }, other] = [await startService(), await startService()];
    const fetch = createFetch(secretOf(() => JSON.stringify({ host: url, token: service.token })));
    await expect(fetch(other.url)).rejects.toMatchObject({ code: 'InvalidConfiguration', field: 'origin' });
    const nowhere = createFetch(secretOf(() => JSON.stringify({ token: service.token })));
    await expect(nowhere(url)).rejects.toMatchObject({ code: 'InvalidConfiguration', field: 'origin' });
    expect(other.seen).toEqual([]);
  });

  it('does not let a redirect carry the token to another origin', async () => {
    const [{ service, url }, other] = [await startService(), await startService()];
    service.redirectTo = other.url;
    const text = () => JSON.stringify({ host: url, token: service.token });
    await createFetch(secretOf(text), { deadline: '100ms' })(url);
    expect(other.seen.length).toBeGreaterThan(0);
    await expect(createFetch(secretOf(text), { header: 'x-api-key' })(url)).rejects.toThrow(TypeError);
    for (const { headers } of other.seen) expect(JSON.stringify(headers)).not.toContain(service.token);
  });

  it('uses another fetch if one is given', async () => {
    const { service, url, seen } = await startService();
    const dispatcher = new Agent();
    onTestFinished(() => dispatcher.close());
    const text = () => JSON.stringify({ host: url, token: service.token });
    const fetch = createFetch(
      secretOf(text),
      // The package's own types are those of Node.js, by other names.
      { fetch: (input, init) => Reflect.apply(undici, undefined, [input, { ...init, dispatcher }]) },
    );
    await fetch(url);
    service.token = 'token-two-of-the-secret';
    const response = await fetch(new URL('/orders', url), { method: 'POST', body: 'a text' });
    expect([response.status, await response.text(), seen.at(-1)?.body]).toEqual([200, 'in', 'a text']);
  });

  it('ends by the signal of the request', async () => {
    const { url } = await startService();
    const fetch = createFetch(secretOf(() => JSON.stringify({ host: url, token: 'a wrong one' })));
    const leaving = new AbortController();
    const asking = fetch(url, { signal: leaving.signal });
    setTimeout(() => leaving.abort(new Error('enough')), 50);
    await expect(asking).rejects.toThrow('enough');
  });

  it('says by a typed error that the secret holds no token', async () => {
    const { url } = await startService();
    const fetch = createFetch(secretOf(() => JSON.stringify({ host: url, password: 'x' })));
    await expect(fetch(url)).rejects.toMatchObject({ code: 'InvalidConfiguration', field: 'field' });
  });
});
