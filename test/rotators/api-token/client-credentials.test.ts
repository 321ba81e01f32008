import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ApiDescription, type Authentication, apiToken } from '../../../rotators/api-token/index.ts';
import { isKeyturnError } from '../../../src/index.ts';
import { startFixture } from '../../support/rotation-fixture.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

type Way = 'post' | 'basic' | 'plain basic';

interface Manners {
  /** How the token endpoint lets a client say who it is. */
  readonly takes: Way;
  /** The answer to a client that does not authenticate in the expected place. */
  readonly missed?: 'invalid_client' | 'invalid_request';
  readonly published?: readonly string[];
  /** The secrets that the API makes. Default: UUIDs. */
  readonly made?: () => string;
}

interface TestClient {
  readonly id: string;
  readonly secret: string;
}

/** Ids and secrets that OAuth's encoding changes. Without it, no header could hold some of them. */
const clients = [
  { id: 'my app/1', secret: 'a+b/c=d e~f%20:g' },
  { id: '100%', secret: 'per%cent' },
  { id: 'café-ключ', secret: 'pässword-☃' },
] as const;

/** A token endpoint of one client, and an API that replaces that client's secret. */
async function startServer(
  { id, secret }: TestClient,
  { takes, missed = 'invalid_client', published, made = randomUUID }: Manners,
) {
  const secrets = new Map([['0', secret]]);
  const granted = new Set<string>();
  const asked: { readonly way: Way | 'nothing'; readonly accepted: boolean }[] = [];
  const shown = (authorization: string, form: URLSearchParams): { way: Way | 'nothing'; pair: string[] } => {
    const [, encoded] = /^Basic (.+)$/.exec(authorization) ?? [];
    if (encoded === undefined) {
      const pair = [form.get('client_id') ?? '', form.get('client_secret') ?? ''];
      return { way: pair[1] === '' ? 'nothing' : 'post', pair };
    }
    const [name = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
    const pair = [name, rest.join(':')];
    const decode = (part: string) => new URLSearchParams(`x=${part}`).get('x') ?? '';
    return takes === 'basic' ? { way: 'basic', pair: pair.map(decode) } : { way: 'plain basic', pair };
  };
  const server = await startScriptedServer(async (request, response) => {
    const body = await text(request);
    const { url = '', method, headers } = request;
    const answer = (status: number, json: unknown) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    if (url.startsWith('/.well-known/openid-configuration') && published !== undefined)
      return answer(200, { issuer: server.url, token_endpoint_auth_methods_supported: published });
    if (url === '/token') {
      const { way, pair } = shown(headers.authorization ?? '', new URLSearchParams(body));
      const isRight = way === takes && pair[0] === id && [...secrets.values()].includes(pair[1] ?? '');
      asked.push({ way, accepted: isRight });
      if (!isRight && way !== takes)
        return answer(missed === 'invalid_client' ? 401 : 400, { error: missed });
      if (!isRight) return answer(401, { error: 'invalid_client' });
      const access_token = randomUUID();
      granted.add(access_token);
      return answer(200, { access_token, token_type: 'Bearer' });
    }
    if (!granted.has((headers.authorization ?? '').replace('Bearer ', ''))) return answer(401, {});
    if (method === 'GET') return answer(200, { ok: true });
    if (method === 'DELETE') return answer(secrets.delete(url.split('/').at(-1) ?? '') ? 200 : 404, {});
    const next = { id: String(secrets.size), secret: made() };
    secrets.set(next.id, next.secret);
    return answer(201, next);
  });
  onTestFinished(server.stop);
  return { ...server, asked };
}

function descriptionOf(
  url: string,
  more: Partial<Extract<Authentication, { scheme: 'client-credentials' }>>,
) {
  const auth = {
    scheme: 'client-credentials',
    tokenUrl: `${url}/token`,
    clientId: '{secret.username}',
    clientSecret: '{token}',
    ...more,
  } as const;
  const description: ApiDescription = {
    name: 'client',
    mint: { method: 'POST', path: '/secrets', json: { name: '{label}' }, auth, token: '/secret', id: '/id' },
    verify: { method: 'GET', path: '/me', auth },
  };
  return description;
}

/** Rotates twice, and returns how the token endpoint was asked. */
async function rotateTwice(
  { id, secret }: TestClient,
  manners: Manners,
  more: (url: string) => Parameters<typeof descriptionOf>[1] = () => ({}),
) {
  const server = await startServer({ id, secret }, manners);
  const rotator = apiToken(descriptionOf(server.url, more(server.url)));
  const fixture = await startFixture({ rotators: [rotator] });
  onTestFinished(() => fixture.close());
  const arn = await fixture.createSecret(
    { host: server.url, username: id, token: secret, tokenId: '0' },
    { 'keyturn:rotator': rotator.name },
  );
  const failures = [await fixture.rotate(arn), await fixture.rotate(arn)];
  return { failures, asked: server.asked, recorded: JSON.stringify(fixture.recorded) };
}

describe('a client that asks for its own token says who it is', () => {
  for (const client of clients) {
    for (const takes of ['post', 'basic', 'plain basic'] as const) {
      for (const missed of ['invalid_client', 'invalid_request'] as const) {
        it(`${client.id}: by ${takes}, which is found out once, where the rest is ${missed}`, async () => {
          const { failures, asked } = await rotateTwice(client, { takes, missed });
          expect(failures).toEqual([undefined, undefined]);
          const since = asked.findIndex(({ accepted }) => accepted);
          expect(asked.slice(since).every(({ accepted }) => accepted)).toBe(true);
          expect(since).toBeLessThan(3);
        });
      }
    }
  }

  it('anew, if the encoding changes the new secret and not the old one', async () => {
    const made = () => `a+b/${randomUUID()}=`;
    const { failures } = await rotateTwice({ id: 'app', secret: 'old' }, { takes: 'plain basic', made });
    expect(failures).toEqual([undefined, undefined]);
  });

  it('as the description says, at once and in no other way', async () => {
    const [client] = clients;
    const basic = () => ({ authentication: 'client_secret_basic' }) as const;
    const right = await rotateTwice(client, { takes: 'basic' }, basic);
    expect(right.failures).toEqual([undefined, undefined]);
    expect(right.asked.every(({ accepted }) => accepted)).toBe(true);
    const wrong = await rotateTwice(client, { takes: 'post' }, basic);
    expect(wrong.failures[0]).toMatch(/^(PermissionDenied|NoCredentialAccepted)/);
    expect(wrong.asked.map(({ way }) => way)).not.toContain('post');
    expect(wrong.recorded).not.toContain(Buffer.from(`${client.id}:${client.secret}`).toString('base64'));
  });

  it('as the server publishes, at once', async () => {
    const [client] = clients;
    const issuer = (url: string) => ({ issuer: url });
    const published = ['private_key_jwt', 'client_secret_basic'];
    const { failures, asked } = await rotateTwice(client, { takes: 'basic', published }, issuer);
    expect(failures).toEqual([undefined, undefined]);
    expect(asked.every(({ accepted }) => accepted)).toBe(true);
  });

  it('by what works, where the server publishes nothing', async () => {
    const { failures } = await rotateTwice(clients[0], { takes: 'plain basic' }, (url) => ({ issuer: url }));
    expect(failures).toEqual([undefined, undefined]);
  });

  it.each([
    ['verify.auth.tokenUrl', { tokenUrl: 'http://login.example/token' }],
    ['verify.auth.issuer', { issuer: 'http://login.example' }],
  ])('nowhere but over https: %s', (path, more) => {
    const description = descriptionOf('https://login.example', more);
    const { auth } = description.verify;
    const whole = { ...description, mint: { ...description.mint, auth: { ...auth, ...goodUrls } } };
    expect(problemOf(whole)).toBe(path);
    // A call that is made before another is held to the same.
    const step = { method: 'POST', path: '/login', auth } as const;
    const verify = { ...description.verify, auth: whole.mint.auth, before: [step] };
    expect(problemOf({ ...whole, verify })).toBe(path.replace('verify.', 'verify.before.0.'));
  });
});

const goodUrls = { tokenUrl: 'https://login.example/token', issuer: 'https://login.example' };

function problemOf(description: unknown): string | undefined {
  try {
    apiToken(Object(description));
  } catch (error) {
    return isKeyturnError(error, 'InvalidConfiguration') ? error.field : String(error);
  }
  return undefined;
}
