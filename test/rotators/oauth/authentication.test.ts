import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { oauthClientCredentials, oauthRefreshToken, oauthRotators } from '../../../rotators/oauth/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import { startOAuthServer } from '../../support/oauth/server.ts';
import { startFixture } from '../../support/rotation-fixture.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

/** A client's Basic authentication, as a server reads it that decodes or doesn't. */
interface Shown {
  readonly way: 'decoded basic' | 'plain basic' | 'post' | 'nothing';
  readonly id: string;
  readonly secret: string;
}

function shownBy({ headers }: IncomingMessage, body: URLSearchParams, decodes: boolean): Shown {
  const [, encoded] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
  if (encoded === undefined) {
    const [id, secret] = [body.get('client_id') ?? '', body.get('client_secret') ?? ''];
    return { way: secret === '' ? 'nothing' : 'post', id, secret };
  }
  const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
  const decode = (part: string) => (decodes ? (new URLSearchParams(`x=${part}`).get('x') ?? '') : part);
  return { way: decodes ? 'decoded basic' : 'plain basic', id: decode(id), secret: decode(rest.join(':')) };
}

interface Manners {
  readonly decodes?: boolean;
  /** The ways that an endpoint takes. Default: Basic authentication. */
  readonly token?: readonly Shown['way'][];
  readonly introspection?: readonly Shown['way'][];
  /** Whether the server answers `invalid_request` to a client that authenticates in another place. */
  readonly misses?: boolean;
  readonly metadata?: object;
}

/** A client whose id and secret have characters that OAuth encodes. */
const client = { client_id: 'my app/1', client_secret: 'a+b/c=d e~f%20:g' };

/** A server that replaces each refresh token when it is used. A second use ends the grant. */
async function startServer({ decodes = false, token, introspection, misses = false, metadata }: Manners) {
  const known = { ...client };
  const seen: { readonly path: string; readonly accepted: boolean; readonly grant: string | null }[] = [];
  const used = new Set<string>();
  const alive = new Set(['t0']);
  let live = 'r0';
  const basic = decodes ? 'decoded basic' : 'plain basic';
  const json = (response: ServerResponse, status: number, value: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    if (path.startsWith('/.well-known/')) return void json(response, metadata ? 200 : 404, metadata ?? {});
    const body = new URLSearchParams(await text(request));
    const shown = shownBy(request, body, decodes);
    const ways = (path === '/token' ? token : introspection) ?? [basic];
    const accepted =
      ways.includes(shown.way) && shown.id === known.client_id && shown.secret === known.client_secret;
    const grant = body.get('refresh_token');
    seen.push({ path, accepted, grant });
    const isMissed = misses && !ways.includes(shown.way);
    if (isMissed) return void json(response, 400, { error: 'invalid_request', error_description: 'Who?' });
    if (!accepted) return void json(response, 401, { error: 'invalid_client' });
    if (path === '/introspection')
      return void json(response, 200, { active: alive.has(body.get('token') ?? '') });
    if (grant !== null && grant !== live) {
      if (used.has(grant)) live = 'none: the grant has ended';
      return void json(response, 400, { error: 'invalid_grant' });
    }
    if (grant !== null) used.add(grant);
    live = `r${randomUUID()}`;
    const access_token = `t${randomUUID()}`;
    alive.add(access_token);
    json(response, 200, { access_token, token_type: 'Bearer', expires_in: 3600, refresh_token: live });
  };
  const server = await startScriptedServer((request, response) => void answer(request, response));
  onTestFinished(server.stop);
  return { ...server, known, seen, isLive: (refreshToken: unknown) => refreshToken === live };
}

async function rotations(server: { readonly url: string }, secret: SecretFields, rotator: string, times = 2) {
  const fixture = await startFixture({ rotators: oauthRotators() });
  onTestFinished(() => fixture.close());
  const arn = await fixture.createSecret(
    {
      token_endpoint: `${server.url}/token`,
      introspection_endpoint: `${server.url}/introspection`,
      access_token: 't0',
      ...client,
      ...secret,
    },
    { 'keyturn:rotator': rotator },
  );
  for (let time = 0; time < times; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
  return fixture.read(arn);
}

describe('how a client says who it is', () => {
  it('by Basic authentication as the RFC has it, at once, where the server decodes', async () => {
    const server = await startServer({ decodes: true });
    const { refresh_token } = await rotations(server, { refresh_token: 'r0' }, 'oauth/refresh-token');
    expect(server.seen.filter(({ accepted }) => !accepted)).toEqual([]);
    expect(server.isLive(refresh_token)).toBe(true);
  });

  it('by plain Basic authentication where the server does not decode: found out once, at no price of a grant', async () => {
    const server = await startServer({ decodes: false });
    const { refresh_token } = await rotations(server, { refresh_token: 'r0' }, 'oauth/refresh-token', 3);
    expect(server.isLive(refresh_token)).toBe(true);
    const refused = server.seen.filter(({ accepted }) => !accepted);
    // Once at each endpoint, and never again.
    expect(refused.map(({ path }) => path).sort()).toEqual(['/introspection', '/token']);
    // No refresh token of the grant was shown by a client that the server did not know.
    expect(refused.every(({ grant }) => grant !== 'r0')).toBe(true);
    const grants = server.seen.flatMap(({ path, grant }) => (path === '/token' && grant ? [grant] : []));
    expect(new Set(grants).size).toBe(grants.length);
  });

  it('anew, if the encoding changes the new client secret and not the old one', async () => {
    const server = await startServer({ decodes: false });
    const fixture = await startFixture({ rotators: oauthRotators() });
    onTestFinished(() => fixture.close());
    Object.assign(server.known, { client_id: 'app', client_secret: 'old' });
    const arn = await fixture.createSecret(
      {
        token_endpoint: `${server.url}/token`,
        introspection_endpoint: `${server.url}/introspection`,
        access_token: 't0',
        ...server.known,
      },
      { 'keyturn:rotator': 'oauth/client-credentials' },
    );
    expect(await fixture.rotate(arn)).toBeUndefined();
    Object.assign(server.known, { client_secret: 'a+b/c=' });
    await fixture.put(arn, { ...(await fixture.read(arn)), client_secret: 'a+b/c=' });
    expect(await fixture.rotate(arn)).toBeUndefined();
  });

  it('by the form where the server publishes nothing else', async () => {
    const server = await startServer({ token: ['post'], introspection: ['post'] });
    const metadata = {
      issuer: server.url,
      token_endpoint: `${server.url}/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
      introspection_endpoint: `${server.url}/introspection`,
    };
    const published = await startServer({ token: ['post'], introspection: ['post'], metadata });
    const issuer = published.url;
    Object.assign(metadata, {
      issuer,
      token_endpoint: `${issuer}/token`,
      introspection_endpoint: `${issuer}/introspection`,
    });
    await rotations(
      published,
      { issuer, token_endpoint: undefined, introspection_endpoint: undefined },
      'oauth/client-credentials',
    );
    expect(published.seen.filter(({ path, accepted }) => path === '/token' && !accepted)).toEqual([]);
  });

  it('by the way that works, where the server publishes several', async () => {
    const metadata = {};
    const server = await startServer({ token: ['post'], introspection: ['post'], metadata });
    Object.assign(metadata, {
      issuer: server.url,
      token_endpoint: `${server.url}/token`,
      introspection_endpoint: `${server.url}/introspection`,
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
    });
    const secret = { issuer: server.url, token_endpoint: undefined, introspection_endpoint: undefined };
    const { refresh_token } = await rotations(
      server,
      { ...secret, refresh_token: 'r0' },
      'oauth/refresh-token',
      3,
    );
    expect(server.isLive(refresh_token)).toBe(true);
    const refused = server.seen.filter(({ accepted }) => !accepted);
    expect(refused.every(({ grant }) => grant !== 'r0')).toBe(true);
    expect(refused.filter(({ path }) => path === '/token')).toHaveLength(2);
  });

  it('by the way that works, where the server does not look at the others', async () => {
    const metadata = {};
    const server = await startServer({ token: ['post'], introspection: ['post'], misses: true, metadata });
    Object.assign(metadata, {
      issuer: server.url,
      token_endpoint: `${server.url}/token`,
      introspection_endpoint: `${server.url}/introspection`,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    });
    const secret = { issuer: server.url, token_endpoint: undefined, introspection_endpoint: undefined };
    const { refresh_token } = await rotations(
      server,
      { ...secret, refresh_token: 'r0' },
      'oauth/refresh-token',
      3,
    );
    expect(server.isLive(refresh_token)).toBe(true);
    const refused = server.seen.filter(({ accepted }) => !accepted);
    expect(refused.every(({ grant }) => grant !== 'r0')).toBe(true);
  });

  it('at introspection by another way than at the token endpoint: a live token is no PermissionDenied', async () => {
    const server = await startServer({ decodes: true, introspection: ['post'] });
    await rotations(server, { refresh_token: 'r0' }, 'oauth/refresh-token');
    const other = await startServer({ token: ['post'], introspection: ['plain basic'] });
    await rotations(
      other,
      { refresh_token: 'r0', token_endpoint_auth_method: 'client_secret_post' },
      'oauth/refresh-token',
    );
  });

  it('is PermissionDenied where no way works, and nothing is used up', async () => {
    const server = await startServer({ token: ['nothing'] });
    const fixture = await startFixture({ rotators: [oauthRefreshToken(), oauthClientCredentials()] });
    onTestFinished(() => fixture.close());
    const secret = {
      ...client,
      token_endpoint: `${server.url}/token`,
      access_token: 't0',
      refresh_token: 'r0',
    };
    const arn = await fixture.createSecret(secret, { 'keyturn:rotator': 'oauth/refresh-token' });
    expect(await fixture.rotate(arn)).toMatch(/^PermissionDenied: .*401 \(invalid_client\)/);
    expect(server.seen.every(({ grant }) => grant !== 'r0')).toBe(true);
    expect(server.isLive('r0')).toBe(true);
  });

  it('sends an id such as a UUID as it is, since that is the same in both readings', async () => {
    const ids: string[] = [];
    const server = await startScriptedServer((request, response) => {
      ids.push(Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString());
      response.end(JSON.stringify({ access_token: 'new' }));
    });
    onTestFinished(server.stop);
    const id = randomUUID();
    await rotations(
      server,
      { client_id: id, client_secret: 'gto_a-b_c.d', introspection_endpoint: undefined },
      'oauth/client-credentials',
      1,
    );
    expect(ids).toEqual([`${id}:gto_a-b_c.d`]);
  });

  it('is found out at a real server, whose metadata name several', async () => {
    const server = await startOAuthServer({ leewayMs: 0 });
    onTestFinished(server.stop);
    const initial = await new server.provider.InitialAccessToken({ policies: ['another-secret'] }).save();
    const response = await fetch(`${server.issuer}/reg`, {
      method: 'POST',
      headers: { authorization: `Bearer ${initial}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'client_secret_post',
      }),
    });
    const { client_id, client_secret } = Object(await response.json());
    const secret = { issuer: server.issuer, client_id, client_secret };
    const token = await rotations(
      { url: server.issuer },
      { ...secret, token_endpoint: undefined, introspection_endpoint: undefined, access_token: undefined },
      'oauth/client-credentials',
    );
    expect(await server.provider.ClientCredentials.find(String(token.access_token))).toBeDefined();
  });
});
