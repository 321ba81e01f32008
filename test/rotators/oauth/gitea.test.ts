import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { apiToken } from '../../../rotators/api-token/index.ts';
import { giteaOAuth } from '../../../rotators/api-token/presets/gitea.ts';
import { oauthRefreshToken } from '../../../rotators/oauth/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import { authorizeAtGitea, startGiteaStandIn } from '../../support/oauth/gitea.ts';
import { startFixture } from '../../support/rotation-fixture.ts';
import { findGitea, noGitea } from '../../support/token-servers/gitea-process.ts';

const tags = { 'keyturn:rotator': 'oauth/refresh-token' };

/** A stand-in, whose answers are those of Gitea's source. */
async function startStandIn() {
  const server = await startGiteaStandIn();
  onTestFinished(server.stop);
  return server;
}

/** A secret of a client that a user has authorized, and the function that rotates it. */
async function withSecret(secret: SecretFields) {
  const fixture = await startFixture({ rotators: [oauthRefreshToken(), apiToken(giteaOAuth)] });
  onTestFinished(() => fixture.close());
  return { fixture, arn: await fixture.createSecret(secret, tags) };
}

/** Whether a token works at a Gitea: it asks for the token's user. */
async function isAlive(issuer: string, { client_id, client_secret }: SecretFields, token: unknown) {
  const authorization = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`;
  const response = await fetch(`${issuer}/login/oauth/introspect`, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams({ token: String(token) }),
  });
  return Object(await response.json()).active === true;
}

const real = noGitea === undefined ? await findGitea() : undefined;
afterAll(async () => real?.stop());

describe.each([
  ['a stand-in for Gitea', false],
  ['a real Gitea', true],
] as const)('OAuth at %s', (_name, isReal) => {
  /** The URL with its administrator, and the issuer. */
  const placeOf = async (skip: (note: string) => never) => {
    if (isReal && noGitea !== undefined) skip(noGitea);
    const place = isReal && real !== undefined ? real.place : (await startStandIn()).place;
    const { origin, pathname } = new URL(place);
    return { place, issuer: `${origin}${pathname}`.replace(/\/$/, '') };
  };

  it('renews tokens that a user has authorized, again and again', async ({ skip }) => {
    const { place, issuer } = await placeOf(skip);
    const { client } = await authorizeAtGitea(place);
    const { fixture, arn } = await withSecret({ ...client, issuer });
    expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
    const seen = new Set([client.access_token]);
    for (let time = 0; time < 3; time += 1) {
      // A real one writes the seconds of the expiry into a token, and tokens of one second are the same.
      if (isReal) await sleep(1100);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const { access_token } = await fixture.read(arn);
      expect(await isAlive(issuer, client, access_token)).toBe(true);
      seen.add(access_token);
    }
    expect(seen.size).toBe(4);
  });

  it('replaces the client secret: the old one is refused, and tokens that were authorized go on', async ({
    skip,
  }) => {
    const { place, issuer } = await placeOf(skip);
    const { client, id, ownersToken } = await authorizeAtGitea(place);
    const { fixture, arn: tokens } = await withSecret({ ...client, issuer });
    const admin = await fixture.createSecret({ host: issuer, token: ownersToken, applicationId: Number(id) });
    const arn = await fixture.createSecret(
      { host: issuer, clientId: client.client_id, clientSecret: client.client_secret },
      { 'keyturn:rotator': 'api-token/gitea-oauth', 'keyturn:admin': admin },
    );
    const application = await applicationAt(issuer, id, ownersToken);
    expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
    for (let time = 0; time < 2; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await applicationAt(issuer, id, ownersToken)).toEqual(application);

    expect(await fixture.rotate(tokens)).toMatch(/^PermissionDenied: .*invalid_client/);
    const { clientSecret } = await fixture.read(arn);
    expect(clientSecret).not.toBe(client.client_secret);
    await fixture.put(tokens, { ...client, issuer, client_secret: clientSecret });
    expect(await fixture.rotate(tokens)).toBeUndefined();
  });
});

/** What a change of an application must not lose. */
async function applicationAt(issuer: string, id: string, token: string): Promise<unknown> {
  const url = `${issuer}/api/v1/user/applications/oauth2/${id}`;
  const response = await fetch(url, { headers: { authorization: `token ${token}` } });
  const { name, redirect_uris, confidential_client, client_id } = Object(await response.json());
  return { name, redirect_uris, confidential_client, client_id };
}

describe('a stand-in for Gitea, which is stricter', () => {
  it('does not decode Basic authentication: the way is found out once, at no price of the refresh token', async () => {
    const server = await startStandIn();
    const { client } = await authorizeAtGitea(server.place);
    const odd = { client_id: 'my app/1', client_secret: 'gto+a/b=c d%20' };
    server.rename(String(client.client_id), odd);
    const { fixture, arn } = await withSecret({ ...client, ...odd, issuer: server.url });
    server.asked.length = 0;
    for (let time = 0; time < 3; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
    const refused = server.asked.filter(({ error }) => error === 'invalid_client');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.grant).not.toBe(client.refresh_token);
    const renewed = server.asked.filter(({ error }) => error === undefined);
    expect(new Set(renewed.map(({ grant }) => grant)).size).toBe(3);
  });

  it('says unauthorized_client of a refresh token that was used: the error says what to do, and why', async () => {
    const server = await startStandIn();
    const { client } = await authorizeAtGitea(server.place);
    const { fixture, arn } = await withSecret({ ...client, issuer: server.url });
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: String(client.client_id),
      client_secret: String(client.client_secret),
      refresh_token: String(client.refresh_token),
    });
    const elsewhere = await fetch(`${server.url}/login/oauth/access_token`, { method: 'POST', body });
    const { refresh_token } = Object(await elsewhere.json());
    expect(await fixture.rotate(arn)).toMatch(
      /^NoCredentialAccepted: .*400 \(unauthorized_client\).*Authorize the client again/,
    );
    // With a token that a person has got meanwhile, all is well again.
    await fixture.clearPending(arn);
    await fixture.put(arn, { ...(await fixture.read(arn)), refresh_token });
    expect(await fixture.rotate(arn)).toBeUndefined();
  });

  it('says invalid_client, with 400, of a client secret that is another one: nothing is used up', async () => {
    const server = await startStandIn();
    const { client } = await authorizeAtGitea(server.place);
    const wrong = { ...client, client_secret: 'gto_another', issuer: server.url };
    const { fixture, arn } = await withSecret(wrong);
    expect(await fixture.rotate(arn)).toMatch(
      /^PermissionDenied: .*400 \(invalid_client\): invalid client secret/,
    );
    await fixture.put(arn, { ...client, issuer: server.url });
    expect(await fixture.rotate(arn)).toBeUndefined();
  });
});
