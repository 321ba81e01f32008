import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiDescription, apiToken } from '../../rotators/api-token/index.ts';
import { oauthRotators } from '../../rotators/oauth/index.ts';
import type { SecretFields } from '../../src/index.ts';
import { startOAuthServer } from '../support/oauth/server.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { accountApi, accountRoutes, adminToken } from '../support/token-service/accounts.ts';
import { startTokenService, type TokenService } from '../support/token-service/server.ts';

/*
 * Mallory may put values into one secret, and runs a server. He wants credentials to come to it: the admin's, or those of
 * older versions.
 */
describe('whoever may only write a secret has no credential sent to another place', () => {
  let good: TokenService;
  let evil: TokenService;
  let heard: string[];

  beforeEach(async () => {
    [good, evil] = await Promise.all([startTokenService(accountRoutes), startTokenService(accountRoutes)]);
    heard = [];
    // It accepts everything, and remembers who came.
    evil.interfere = ({ url, headers }, response) => {
      heard.push(`${url} ${headers.authorization}`);
      response.end('{}');
      return true;
    };
  });
  afterEach(() => Promise.all([good.stop(), evil.stop()]));

  async function withSecret(
    description: ApiDescription,
    use: (fixture: RotationFixture, arn: string, value: SecretFields) => Promise<void>,
  ): Promise<void> {
    const rotator = apiToken(description);
    const fixture = await startFixture({ rotators: [rotator] });
    try {
      const username = `robot ${randomUUID()}`;
      const { token, id: tokenId } = good.store.issue(username, 'by hand') ?? {};
      const admin = await fixture.createSecret({ host: good.url, token: adminToken });
      const value = { host: good.url, username, token, tokenId };
      const tags = { 'keyturn:rotator': rotator.name, 'keyturn:admin': admin };
      await use(fixture, await fixture.createSecret(value, tags), value);
    } finally {
      await fixture.close();
    }
  }

  it.each(['token', 'admin'] as const)('by AWSPREVIOUS, where the %s revokes', (by) =>
    withSecret(accountApi(by), async (fixture, arn, value) => {
      await fixture.put(arn, { ...value, host: evil.url });
      await fixture.put(arn, value);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(heard).toEqual([]);
      expect(fixture.recorded.notes.join()).toMatch(
        /another target than AWSCURRENT: its credential was not revoked/,
      );
    }),
  );

  it('by a path of another case at the same host', () =>
    withSecret(accountApi('admin'), async (fixture, arn, value) => {
      // One gateway before two services, of which `/t` is Mallory's.
      const [own, others] = [`${evil.url}/T`, `${evil.url}/t`];
      evil.interfere = ({ url = '', headers }, response) => {
        if (url.startsWith('/t')) heard.push(`${url} ${headers.authorization}`);
        const answer = { name: value.username, token_id: '1', id: '2', token: 'minted', tokens: [] };
        response.end(JSON.stringify(answer));
        return true;
      };
      const masterarn = await fixture.createSecret({ host: own, token: adminToken });
      await fixture.put(arn, { ...value, host: others, token: 'older', masterarn });
      await fixture.put(arn, { ...value, host: own, masterarn });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(heard).toEqual([]);
      // The admin's credential is not sent either, even if AWSCURRENT itself is for that place.
      await fixture.put(arn, { ...value, host: others, masterarn });
      expect(await fixture.rotate(arn)).toMatch(/^AdminServerDiffers/);
      expect(heard.filter((request) => request.includes(adminToken))).toEqual([]);
    }));

  it('by a step that revokes AWSPREVIOUS on its own', () =>
    withSecret({ ...accountApi('admin'), revocation: 'at-once' }, async (fixture, arn, value) => {
      expect(await fixture.rotate(arn)).toBeUndefined();
      const current = await fixture.read(arn);
      await fixture.put(arn, { ...value, host: evil.url });
      await fixture.put(arn, current);
      await fixture.handler({ Step: 'revokePrevious', SecretId: arn });
      expect(heard).toEqual([]);
    }));

  it('by a version without a label, when AWSCURRENT is refused', () =>
    withSecret(accountApi('token'), async (fixture, arn, value) => {
      await fixture.put(arn, { ...value, host: evil.url, token: 'at the other server' });
      await fixture.put(arn, { ...value, token: 'refused' });
      await fixture.put(arn, { ...value, token: 'refused too' });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(heard).toEqual([]);
    }));

  it('and a secret that has innocently moved is rotated where it is now', () =>
    withSecret(accountApi('admin'), async (fixture, arn, value) => {
      const moved = await startTokenService(accountRoutes);
      try {
        const { token, id: tokenId } = moved.store.issue(String(value.username), 'moved') ?? {};
        await fixture.put(arn, { ...value, host: moved.url, token, tokenId });
        expect(await fixture.rotate(arn)).toMatch(/^AdminServerDiffers/);
        expect(moved.store.list(String(value.username))).toHaveLength(1);
        expect(good.store.list(String(value.username))).toHaveLength(1);
      } finally {
        await moved.stop();
      }
    }));

  it('by choosing an admin secret that itself names the account', () => {
    const auth = { scheme: 'bearer', token: '{admin.token}' } as const;
    const api = accountApi('admin');
    const mint = { ...api.mint, path: '/users/{admin.account}/tokens', auth };
    return withSecret({ ...api, mint, list: undefined }, async (fixture, arn, value) => {
      const powerful = { host: good.url, token: adminToken, account: 'payments' };
      const masterarn = await fixture.createSecret(powerful);
      await fixture.put(arn, { ...value, masterarn });
      expect(await fixture.rotate(arn)).toMatch(/^AccountNotServed: .*keyturn:admin/);
      expect(good.store.list('payments')).toEqual([]);

      const serving = await fixture.createSecret({ ...powerful, serves: { 'another-secret': [] } });
      await fixture.put(arn, { ...value, masterarn: serving });
      expect(await fixture.rotate(arn)).toMatch(/^AccountNotServed/);
      expect(good.store.list('payments')).toEqual([]);
    });
  });

  it('by an introspection endpoint, to which a new access token would be shown', async () => {
    const server = await startOAuthServer({ leewayMs: 60_000 });
    const fixture = await startFixture({ rotators: oauthRotators() });
    try {
      const owned = await server.authorizedClient();
      const arn = await fixture.createSecret(owned, { 'keyturn:rotator': 'oauth/refresh-token' });
      const introspection_endpoint = `${evil.url}/introspect`;
      await fixture.put(arn, { ...owned, introspection_endpoint, refresh_token: 'unknown' });
      expect(await fixture.rotate(arn)).toMatch(/^NoCredentialAccepted/);
      expect(heard).toEqual([]);
    } finally {
      await fixture.close();
      await server.stop();
    }
  });
});
