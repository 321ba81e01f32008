import { afterEach, describe, expect, it, vi } from 'vitest';
import { oauthClientSecret } from '../../../rotators/oauth/index.ts';
import type { Rotator, SecretFields } from '../../../src/index.ts';
import { type OAuthServer, type ServerManners, startOAuthServer } from '../../support/oauth/server.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { loseAnswer } from './lost-answers.ts';

const lenient: ServerManners = { leewayMs: 60_000 };
const strict: ServerManners = { leewayMs: 0 };
const tags = { 'keyturn:rotator': 'oauth/client-secret' };

/** Whether the server gives a client a token, as to an application. */
async function letsIn({ token_endpoint, client_id, client_secret }: SecretFields): Promise<boolean> {
  const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  const response = await fetch(String(token_endpoint), { method: 'POST', headers: { authorization }, body });
  return response.status === 200;
}

/** A client's metadata, read with the registration access token in its secret. */
async function metadataOf(secret: SecretFields): Promise<SecretFields> {
  const headers = { authorization: `Bearer ${secret.registration_access_token}` };
  const response = await fetch(String(secret.registration_client_uri), { headers });
  return Object(await response.json());
}

async function withServer(
  manners: ServerManners,
  use: (server: OAuthServer, fixture: RotationFixture) => Promise<void>,
  rotator: Rotator = oauthClientSecret(),
): Promise<void> {
  const [server, fixture] = await Promise.all([
    startOAuthServer(manners),
    startFixture({ rotators: [rotator] }),
  ]);
  try {
    await use(server, fixture);
  } finally {
    await fixture.close();
    await server.stop();
  }
}

/** The same rotator. Until `goOn` is called, it can't prove what is pending. */
function unprovable(rotator: Rotator): { readonly rotator: Rotator; goOn(): void } {
  let mayPass = false;
  const verify: Rotator['verify'] = async (...given) => {
    if (!mayPass) throw new Error('Not now.');
    await rotator.verify?.(...given);
  };
  return {
    rotator: Object.create(rotator, { verify: { value: verify } }),
    goOn: () => {
      mayPass = true;
    },
  };
}

afterEach(() => vi.unstubAllGlobals());

describe('a client secret, by the management of its registration', () => {
  it('is replaced together with the registration access token; everything else stays as it is', async () => {
    await withServer(lenient, async (server, fixture) => {
      const first = await server.registeredClient();
      const before = await metadataOf(first);
      const arn = await fixture.createSecret({ ...first, owner: 'billing' }, tags);
      for (let time = 0; time < 3; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
      const [current, previous] = [await fixture.read(arn), await fixture.read(arn, 'AWSPREVIOUS')];
      expect(current).toMatchObject({
        client_id: first.client_id,
        owner: 'billing',
        client_secret_expires_at: 0,
      });
      expect(new Set([first, previous, current].map((secret) => secret.client_secret)).size).toBe(3);
      expect(current.registration_access_token).not.toBe(previous.registration_access_token);
      expect([await letsIn(current), await letsIn(previous)]).toEqual([true, true]);
      const { client_secret, registration_access_token, ...after } = await metadataOf(current);
      expect(before).toMatchObject(after);
      expect([client_secret, registration_access_token]).toEqual([
        current.client_secret,
        current.registration_access_token,
      ]);
    });
  });

  it('becomes AWSCURRENT as soon as it has proven itself, where the server ends the old one at once', async () => {
    await withServer(
      strict,
      async (server, fixture) => {
        const arn = await fixture.createSecret(await server.registeredClient(), tags);
        expect(await fixture.rotate(arn)).toBeUndefined();
        const moved = fixture.recorded.reports.find(({ outcome }) => outcome.endsWith('-and-current'));
        expect(moved?.step).toBe('setSecret');
        expect(await letsIn(await fixture.read(arn))).toBe(true);
        expect(await letsIn(await fixture.read(arn, 'AWSPREVIOUS'))).toBe(false);
      },
      oauthClientSecret({ overlap: 'none' }),
    );
  });

  it('is taken over from a rotation that was given up, by the newest token, also at a strict server', async () => {
    const { rotator, goOn } = unprovable(oauthClientSecret());
    await withServer(
      strict,
      async (server, fixture) => {
        const arn = await fixture.createSecret(await server.registeredClient(), tags);
        expect(await fixture.rotate(arn)).toMatch(/^TargetFailed/);
        const givenUp = await fixture.read(arn, 'AWSPENDING');
        await fixture.clearPending(arn);
        goOn();
        expect(await fixture.rotate(arn)).toBeUndefined();
        const current = await fixture.read(arn);
        expect(current.client_secret).toBe(givenUp.client_secret);
        expect(await letsIn(current)).toBe(true);
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect((await fixture.read(arn)).client_secret).not.toBe(givenUp.client_secret);
      },
      rotator,
    );
  });

  it('is taken over from a request whose answer was lost', async () => {
    await withServer(lenient, async (server, fixture) => {
      const arn = await fixture.createSecret(await server.registeredClient(), tags);
      loseAnswer('PUT', /^\/reg\//);
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
      const [newest = ''] = await server.alive((await fixture.read(arn)).client_id);
      expect(await letsIn(await fixture.read(arn))).toBe(true);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect((await fixture.read(arn)).client_secret).toBe(newest);
    });
  });

  it('is lost with the answer of a server without a leeway, until an operator brings another token', async () => {
    await withServer(strict, async (server, fixture) => {
      const arn = await fixture.createSecret(await server.registeredClient(), tags);
      loseAnswer('PUT', /^\/reg\//);
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
      expect(await fixture.rotate(arn)).toMatch(
        /^NoCredentialAccepted: .*issue a new registration_access_token/,
      );
      const lost = await fixture.read(arn);
      await fixture.clearPending(arn);
      await fixture.put(arn, {
        ...lost,
        registration_access_token: await server.registrationAccess(lost.client_id),
      });
      expect(await fixture.rotate(arn)).toBeUndefined();
      const [newest] = await server.alive(lost.client_id);
      const current = await fixture.read(arn);
      expect(current.client_secret).toBe(newest);
      expect(await letsIn(current)).toBe(true);
    });
  });

  it('is not promoted if the server keeps the old one, and the registration access token is not lost', async () => {
    await withServer({ ...strict, renewsSecrets: false }, async (server, fixture) => {
      const arn = await fixture.createSecret(await server.registeredClient(), tags);
      const before = await fixture.labels(arn);
      expect(await fixture.rotate(arn)).toMatch(/^TargetFailed: The server keeps the client secret/);
      expect(Object.values(await fixture.labels(arn))).toContainEqual(['AWSCURRENT']);
      expect(await fixture.labels(arn)).toMatchObject(before);
      const pending = await fixture.read(arn, 'AWSPENDING');
      expect((await metadataOf(pending)).client_id).toBe(pending.client_id);
    });
  });

  it('is reported when it expires before the next rotation', async () => {
    await withServer(lenient, async (server, fixture) => {
      const arn = await fixture.createSecret(await server.registeredClient(), tags);
      vi.stubGlobal('fetch', expiringSoon(globalThis.fetch));
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(fixture.recorded.notes.join('\n')).toMatch(
        /Warning: the client secret expires at \S+Z, before the next/,
      );
    });
  });

  it.each([
    ['registration_client_uri', 'http://oauth.example/reg/1'],
    ['registration_access_token', undefined],
    ['client_secret', undefined],
    ['token_endpoint_auth_method', 'none'],
    ['issuer', undefined],
  ])('is not asked for when %s is %s', async (field, value) => {
    await withServer(lenient, async (server, fixture) => {
      const known = {
        introspection_endpoint: undefined,
        revocation_endpoint: undefined,
        issuer: server.issuer,
      };
      const secret = { ...(await server.registeredClient()), ...known, [field]: value };
      const failure = await fixture.rotate(await fixture.createSecret(secret, tags));
      expect(failure).toMatch(new RegExp(`^InvalidSecretField: .*"${field}"`));
    });
  });
});

/** Makes every registration say that its secret expires in an hour. */
function expiringSoon(real: typeof fetch): typeof fetch {
  return async (url, init) => {
    const response = await real(url, init);
    if (!String(url).includes('/reg/')) return response;
    const expiry = { client_secret_expires_at: Math.floor(Date.now() / 1000) + 3600 };
    return Response.json({ ...Object(await response.json()), ...expiry });
  };
}
