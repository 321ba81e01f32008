import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { oauthClientCredentials, oauthRefreshToken, oauthRotators } from '../../../rotators/oauth/index.ts';
import type { Rotator, SecretFields } from '../../../src/index.ts';
import { type OAuthServer, type ServerManners, startOAuthServer } from '../../support/oauth/server.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { loseAnswer } from './lost-answers.ts';

const [byRefreshToken, byClientCredentials] = ['oauth/refresh-token', 'oauth/client-credentials'];
const lenient: ServerManners = { leewayMs: 60_000 };
const strict: ServerManners = { leewayMs: 0 };
const tagged = (rotator: string | undefined) => ({ 'keyturn:rotator': String(rotator) });

/** Whether the server says that an access token is alive. */
async function isActive(secret: SecretFields, token: unknown = secret.access_token): Promise<boolean> {
  const { client_id, client_secret, introspection_endpoint } = secret;
  const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
  const response = await fetch(String(introspection_endpoint), {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams({ token: String(token) }),
  });
  return Object(await response.json()).active === true;
}

async function withServer(
  manners: ServerManners,
  use: (server: OAuthServer, fixture: RotationFixture) => Promise<void>,
  rotators: Rotator[] = oauthRotators(),
): Promise<void> {
  const [server, fixture] = await Promise.all([startOAuthServer(manners), startFixture({ rotators })]);
  try {
    await use(server, fixture);
  } finally {
    await fixture.close();
    await server.stop();
  }
}

const accessTokens = async (server: OAuthServer, { client_id }: SecretFields): Promise<number> =>
  (await server.alive(client_id)).filter((thing) => /^(AccessToken|ClientCredentials) /.test(thing)).length;

afterEach(() => vi.unstubAllGlobals());

describe('a token that a client gets by a refresh token', () => {
  it('is renewed, and the one before works until the next rotation ends', async () => {
    await withServer(lenient, async (server, fixture) => {
      const given = await server.authorizedClient();
      const first: SecretFields = { ...given, revokes_access_tokens: true, owner: 'billing' };
      const arn = await fixture.createSecret(first, tagged(byRefreshToken));
      expect(await fixture.rotate(arn)).toBeUndefined();
      const second = await fixture.read(arn);
      expect(second).toEqual({
        ...first,
        access_token: expect.not.stringMatching(String(given.access_token)),
        refresh_token: expect.not.stringMatching(String(given.refresh_token)),
        expires_at: expect.closeTo(Date.now() / 1000 + 3600, -2),
      });
      expect([await isActive(first), await isActive(second)]).toEqual([true, true]);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const third = await fixture.read(arn);
      expect([await isActive(first), await isActive(second), await isActive(third)]).toEqual([
        false,
        true,
        true,
      ]);
    });
  });

  it('is never revoked, unless the secret says that the server keeps the rest alive', async () => {
    await withServer({ ...strict, revokesGrants: true }, async (server, fixture) => {
      const arn = await fixture.createSecret(await server.authorizedClient(), tagged(byRefreshToken));
      for (let time = 0; time < 3; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
      const current = await fixture.read(arn);
      expect(await isActive(current)).toBe(true);
      expect(await accessTokens(server, current)).toBe(4);
    });
  });

  it('comes from the newest refresh token, though AWSPENDING was given up: a strict server ends nothing', async () => {
    let mayPass = false;
    const rotator: Rotator = Object.create(oauthRefreshToken(), {
      verify: {
        value: async () => {
          if (!mayPass) throw new Error('Not now.');
        },
      },
    });
    await withServer(
      strict,
      async (server, fixture) => {
        const secret = { ...(await server.authorizedClient()), revokes_access_tokens: true };
        const arn = await fixture.createSecret(secret, tagged(byRefreshToken));
        expect(await fixture.rotate(arn)).toMatch(/^TargetFailed/);
        const givenUp = await fixture.read(arn, 'AWSPENDING');
        await fixture.clearPending(arn);
        mayPass = true;
        expect(await fixture.rotate(arn)).toBeUndefined();
        const current = await fixture.read(arn);
        expect([await isActive(current), await isActive(secret)]).toEqual([true, true]);
        // No version with a label holds it, so it was revoked.
        expect(await isActive(current, givenUp.access_token)).toBe(false);
        expect(await fixture.rotate(arn)).toBeUndefined();
      },
      [rotator],
    );
  });

  it('survives a lost answer where the server has a leeway', async () => {
    await withServer(lenient, async (server, fixture) => {
      const arn = await fixture.createSecret(await server.authorizedClient(), tagged(byRefreshToken));
      loseAnswer('POST', /^\/token$/);
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
      expect(await isActive(await fixture.read(arn))).toBe(true);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await isActive(await fixture.read(arn))).toBe(true);
    });
  });

  it('is lost with an answer of a server that has none, which is said with what to do', async () => {
    await withServer(strict, async (server, fixture) => {
      const secret = await server.authorizedClient();
      const arn = await fixture.createSecret(secret, tagged(byRefreshToken));
      loseAnswer('POST', /^\/token$/);
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
      // AWSCURRENT works until the consumed refresh token is used once more, which is all that a retry can do.
      expect(await isActive(secret)).toBe(true);
      expect(await fixture.rotate(arn)).toMatch(/^NoCredentialAccepted: .*Authorize the client again/);
      await fixture.clearPending(arn);
      await fixture.put(arn, { ...secret, ...(await server.authorizedClient()) });
      expect(await fixture.rotate(arn)).toBeUndefined();
    });
  });
});

describe('a token that a client gets for itself', () => {
  it('is made where there was none, with what the secret asks for', async () => {
    await withServer(lenient, async (server, fixture) => {
      const { access_token, ...client } = await server.serviceClient();
      const secret = { ...client, scope: 'reports:read', token_endpoint_auth_method: 'client_secret_basic' };
      const arn = await fixture.createSecret(secret, tagged(byClientCredentials));
      expect(await fixture.rotate(arn)).toBeUndefined();
      const current = await fixture.read(arn);
      expect(await isActive(current)).toBe(true);
      expect(current).toMatchObject(secret);
    });
  });

  it('is revoked at once where the function is set up so', async () => {
    const rotator = oauthClientCredentials({ revocation: 'at-once' });
    await withServer(
      lenient,
      async (server, fixture) => {
        const arn = await fixture.createSecret(await server.serviceClient(), tagged(byClientCredentials));
        for (let time = 0; time < 3; time += 1) {
          expect(await fixture.rotate(arn)).toBeUndefined();
          expect(await accessTokens(server, await fixture.read(arn))).toBe(1);
        }
      },
      [rotator],
    );
  });

  it('is never refused to a client that calls all along through 50 rotations; two are alive in the end', async () => {
    await withServer(lenient, async (server, fixture) => {
      const arn = await fixture.createSecret(await server.serviceClient(), tagged(byClientCredentials));
      const calls = { accepted: 0, refused: 0 };
      let rotating = true;
      const calling = (async () => {
        for (; rotating; await sleep(5))
          calls[(await isActive(await fixture.read(arn))) ? 'accepted' : 'refused'] += 1;
      })();
      for (let time = 0; time < 50; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
      rotating = false;
      await calling;
      expect(calls.accepted).toBeGreaterThan(50);
      expect(calls.refused).toBe(0);
      expect(await accessTokens(server, await fixture.read(arn))).toBe(2);
    });
  });
});

describe('a token, whoever it is for', () => {
  let server: OAuthServer;
  let fixture: RotationFixture;
  beforeAll(async () => {
    server = await startOAuthServer(lenient);
    fixture = await startFixture({ rotators: oauthRotators() });
  });
  afterAll(async () => {
    await fixture.close();
    await server.stop();
  });

  it('is reported when it expires before the next rotation, also by a preflight', async () => {
    const arn = await fixture.createSecret(await server.serviceClient(), tagged(byClientCredentials));
    fixture.recorded.notes.length = 0;
    expect(await fixture.rotate(arn)).toBeUndefined();
    const early =
      /the token expires at \S+Z, before the next rotation, which is due by \S+Z: rotate more often/;
    expect(fixture.recorded.notes.join('\n')).toMatch(early);
    expect(fixture.recorded.notes.join('\n')).toContain('Warning: the token expires');
    const labels = Object.entries(await fixture.labels(arn));
    const [token] = labels.find(([, stages]) => stages.includes('AWSCURRENT')) ?? [];
    const event = { Step: 'preflight', SecretId: arn, ClientRequestToken: token };
    const answer = await fixture.handler(event);
    expect(answer?.preflight).toContainEqual({
      check: 'expiry',
      ok: true,
      detail: expect.stringMatching(early),
    });
  });

  it('is got by the metadata that the server publishes', async () => {
    const secret = await server.authorizedClient();
    const { token_endpoint: _t, introspection_endpoint, revocation_endpoint: _r, ...client } = secret;
    const arn = await fixture.createSecret(
      { ...client, introspection_endpoint: undefined, issuer: server.issuer },
      tagged(byRefreshToken),
    );
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await isActive({ ...(await fixture.read(arn)), introspection_endpoint })).toBe(true);
  });

  it('is refused with the client that asks for it, by what the server says', async () => {
    const secret = { ...(await server.serviceClient()), client_secret: 'a wrong one' };
    const arn = await fixture.createSecret(secret, tagged(byClientCredentials));
    expect(await fixture.rotate(arn)).toMatch(
      /^PermissionDenied: .*the server answers 401 \(invalid_client\)/,
    );
  });

  it.each([
    ['token_endpoint', 'http://oauth.example/token'],
    ['issuer', 'ftp://localhost'],
    ['introspection_endpoint', 'https://user:pass@oauth.example/'],
    ['token_endpoint_auth_method', 'private_key_jwt'],
    ['client_secret', undefined],
    ['client_id', ''],
    ['expires_at', 'tomorrow'],
    ['revokes_access_tokens', 'yes'],
    ['refresh_token', undefined],
  ])('is not asked for when %s is %s', async (field, value) => {
    const secret = { ...(await server.authorizedClient()), token_endpoint_auth_method: 'client_secret_post' };
    const arn = await fixture.createSecret({ ...secret, [field]: value }, tagged(byRefreshToken));
    expect(await fixture.rotate(arn)).toMatch(new RegExp(`^InvalidSecretField: .*"${field}"`));
  });
});
