import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ApiDescription } from '../../../rotators/api-token/index.ts';
import { accountApi } from '../../support/token-service/accounts.ts';
import makeRotator from './rotator.ts';
import { withTokenWorld } from './world.ts';

const api = () => accountApi('token');

/** An API without ids: a token mints the next one, and revokes itself. */
const plainApi: ApiDescription = {
  name: 'plain',
  mint: { method: 'POST', path: '/mine', auth: { scheme: 'bearer', token: '{token}' }, token: '/token' },
  verify: { method: 'GET', path: '/me', auth: { scheme: 'bearer', token: '{token}' } },
  revoke: {
    method: 'POST',
    path: '/revocation',
    form: { token: '{revoked.token}' },
    auth: { scheme: 'bearer', token: '{token}' },
  },
};

describe('tokens of an API', () => {
  it('both work until the next rotation, and the one before last is revoked by it', () =>
    withTokenWorld(api, async ({ fixture, arn, service, alive }) => {
      const first = await fixture.read(arn);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const second = await fixture.read(arn);
      expect(alive()).toEqual([first.token, second.token]);
      expect(second).toMatchObject({ host: first.host, username: first.username });
      expect(second.tokenId).not.toBe(first.tokenId);
      expect(Date.parse(String(second.expiresAt))).toBeGreaterThan(Date.now());
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toEqual([second.token, (await fixture.read(arn)).token]);
      expect(service.refusals.count).toBe(0);
    }));

  it('work one at a time where they are revoked at once', () =>
    withTokenWorld(
      () => ({ ...api(), revocation: 'at-once' }),
      async ({ fixture, arn, alive }) => {
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(alive()).toEqual([(await fixture.read(arn)).token]);
      },
    ));

  it('are labelled with the secret and the rotation', () =>
    withTokenWorld(api, async ({ fixture, arn, service, username }) => {
      const token = randomUUID();
      expect(await fixture.rotate(arn, { token })).toBeUndefined();
      const [, minted] = service.store.list(username);
      expect(minted?.label).toMatch(new RegExp(`^keyturn-[0-9a-f]{12}-${token}-[0-9a-f]{6}$`));
    }));

  it('go on from another that works when AWSCURRENT was revoked by hand', () =>
    withTokenWorld(api, async ({ fixture, arn, service, username, alive }) => {
      expect(await fixture.rotate(arn)).toBeUndefined();
      service.store.revoke(username, String((await fixture.read(arn)).tokenId));
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toEqual([(await fixture.read(arn)).token]);
    }));

  it('are minted for nobody else by the admin', () =>
    withTokenWorld(
      () => accountApi('admin'),
      async ({ fixture, arn, service }) => {
        const other = `other ${randomUUID()}`;
        service.store.issue(other, 'by hand');
        await fixture.put(arn, { ...(await fixture.read(arn)), username: other });
        expect(await fixture.rotate(arn)).toMatch(
          /^InvalidSecretField: The secret's "username" is not the account/,
        );
        expect(service.store.list(other)).toHaveLength(1);
      },
    ));

  it('need an admin secret if an admin mints', () =>
    withTokenWorld(
      () => accountApi('admin'),
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn)).toMatch(/^AdminSecretMissing/);
        expect(await fixture.rotate(arn, { immediately: false })).toMatch(/admin secret/);
      },
      { secret: ({ masterarn: _none, ...fields }) => fields },
    ));

  it('are not minted when the one before could never be revoked', () =>
    withTokenWorld(
      api,
      async ({ fixture, arn, alive }) => {
        expect(await fixture.rotate(arn, { immediately: false })).toMatch(
          /PreflightFailed.*"tokenId" is missing/,
        );
        expect(await fixture.rotate(arn)).toMatch(/^InvalidSecretField: The secret's "tokenId" is missing/);
        expect(alive()).toHaveLength(1);
      },
      { secret: ({ tokenId: _none, ...fields }) => fields },
    ));

  it('are not revoked because something else of the secret was changed by hand', () =>
    withTokenWorld(api, async ({ fixture, arn, alive }) => {
      await fixture.put(arn, { ...(await fixture.read(arn)), noted: 'by hand' });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toHaveLength(2);
    }));

  it('can be the whole secret', () =>
    withTokenWorld(
      ({ url }) => ({ ...plainApi, baseUrl: url }),
      async ({ fixture, service, arn, username, alive }) => {
        service.interfere = ({ method, url, headers }, response) => {
          const caller = service.store.find(headers.authorization?.slice('Bearer '.length));
          if (method !== 'POST' || caller === undefined) return false;
          if (url === '/revocation') service.store.revoke(username, caller.id);
          const issued = url === '/mine' ? service.store.issue(username, randomUUID()) : undefined;
          response.end(JSON.stringify({ token: issued?.token, expires_at: null }));
          return true;
        };
        for (let time = 0; time < 3; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
        expect(alive()).toEqual([await fixture.text(arn, 'AWSPREVIOUS'), await fixture.text(arn)]);
      },
      { secret: ({ token }) => token },
    ));
});

describe('a secret for an API', () => {
  const { parse } = makeRotator({ ...api(), baseUrl: 'https://api.example/v1/' });

  it.each([
    ['plain http', 'http://api.example'],
    ['a credential in its URL', 'https://me:pass@api.example'],
    ['a query in its URL', 'https://api.example?x=1'],
    ['a URL of another kind', 'ftp://api.example'],
    ['no URL at all', 'https://'],
  ])('is refused for %s', (_, host) => {
    expect(() => parse({ host, token: 'x' })).toThrow(/"host"/);
  });

  it.each([
    ['api.other', 'https://api.other'],
    ['https://api.other/base/', 'https://api.other/base'],
    ['http://127.0.0.1:80/x', 'http://127.0.0.1/x'],
    ['http://[::1]:8000', 'http://[::1]:8000'],
    [undefined, 'https://api.example/v1'],
  ])('is for the API at %s', (host, baseUrl) => {
    expect(parse({ host, token: 'x' })).toMatchObject({ baseUrl });
  });
});
