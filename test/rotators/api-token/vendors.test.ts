import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fieldNames } from '../../../rotators/api-token/credential.ts';
import { apiToken } from '../../../rotators/api-token/index.ts';
import { presets } from '../../../rotators/api-token/presets/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { entraRoutes } from '../../support/token-service/entra.ts';
import { startTokenService, type TokenService } from '../../support/token-service/server.ts';
import { account, adminToken, type Vendor } from '../../support/token-service/vendor.ts';
import {
  cloudflareAt,
  giteaOAuthWith,
  gitHubWith,
  gitLabSelfWith,
  grafanaWith,
  vendors,
} from '../../support/token-service/vendors.ts';

interface World {
  readonly fixture: RotationFixture;
  readonly service: TokenService;
  readonly arn: string;
  /** The field that holds the token. */
  readonly tokenField: string;
  /** The tokens that work, the oldest first. */
  alive(): string[];
}

/** A secret at a vendor's stand-in, and the function that rotates it. @param change what is different at the vendor */
async function withVendor(
  name: string,
  use: (world: World) => Promise<void>,
  change: Partial<Vendor> = {},
): Promise<void> {
  const description = presets.find((api) => api.name === name);
  const known = vendors[name];
  const vendor = known && { ...known, ...change };
  if (description === undefined || vendor === undefined) throw new Error(`No vendor is called ${name}.`);
  const names = fieldNames(description);
  const service = await startTokenService(vendor.routes);
  const { tokenOrigin = service.url } = vendor;
  const rotator = apiToken(JSON.parse(JSON.stringify(description).replaceAll(tokenOrigin, service.url)));
  const fixture = await startFixture({ rotators: [rotator] });
  try {
    const { token, id } = service.store.issue(account, 'by hand') ?? {};
    const held = { [names.token]: token, [names.id]: id };
    const admin = vendor.admin && (await fixture.createSecret({ host: service.url, ...vendor.admin }));
    const secret: SecretFields = { host: service.url, ...vendor.secret, ...held };
    const tags = { 'keyturn:rotator': rotator.name, ...(admin && { 'keyturn:admin': admin }) };
    const arn = await fixture.createSecret(secret, tags);
    const alive = () => service.store.list(account).map((one) => one.token);
    await use({ fixture, service, arn, tokenField: names.token, alive });
  } finally {
    await fixture.close();
    await service.stop();
  }
}

async function tokensOf({ fixture, arn, tokenField }: World): Promise<unknown[]> {
  return [(await fixture.read(arn, 'AWSPREVIOUS'))[tokenField], (await fixture.read(arn))[tokenField]];
}

const overlapping = Object.keys(vendors).filter((name) => name !== 'gitlab-self' && name !== 'gitea-oauth');
/**
 * These APIs don't tell the id of a token. So a token made by hand is not known to be this secret's. For npm, the
 * admin secret says that the account has no others.
 */
const knownByTheSecretAlone = presets
  .filter(({ verify, list }) => verify.id === undefined && list?.label !== undefined)
  .filter(({ name, revoke }) => name in vendors && JSON.stringify(revoke).includes('{admin.'))
  .map(({ name }) => name);
const listing = overlapping.filter((name) => name !== 'github-app' && name !== 'npm');

describe('the presets', () => {
  it('are all proven, at a stand-in or at the real thing', () => {
    const names = presets.map(({ name }) => name);
    expect([...Object.keys(vendors), 'jupyterhub'].sort()).toEqual([...names].sort());
    for (const { source } of presets) expect(source).toMatch(/^https:/);
  });

  it.each(overlapping)('%s: tests, rotates, and lets the one before last go', (name) =>
    withVendor(name, async (world) => {
      const { fixture, service, arn, alive } = world;
      expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
      const [byHand] = alive();
      for (let time = 0; time < 3; time += 1) {
        expect(await fixture.rotate(arn)).toBeUndefined();
        const stays = time > 0 && knownByTheSecretAlone.includes(name) ? [byHand] : [];
        expect(alive()).toEqual([...stays, ...(await tokensOf(world))]);
      }
      expect(service.refusals.count).toBe(0);
    }),
  );

  it.each(knownByTheSecretAlone)("%s: revokes nobody else's token that the secret names", (name) =>
    withVendor(name, async (world) => {
      const { fixture, service, arn, alive } = world;
      const other = service.store.issue(account, "somebody else's");
      const value = await fixture.read(arn);
      const id = name.startsWith('entra') ? 'keyId' : 'tokenId';
      await fixture.put(arn, { ...value, [world.tokenField]: 'made up', [id]: other?.id });
      await fixture.put(arn, value);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toContain(other?.token);
      expect(fixture.recorded.notes.join()).toMatch(/not issued for this secret/);
    }),
  );

  it.each(listing)('%s: finds by its label what was minted and never stored', (name) =>
    withVendor(name, async (world) => {
      const { fixture, service, arn, alive } = world;
      // Those of somebody else stay, on whatever page they are.
      for (let other = 0; other < 3; other += 1) service.store.issue(account, `another ${other}`);
      let minted = 0;
      service.lose = ({ method, url = '' }) => {
        const mints = method === 'POST' && !url.endsWith('/token');
        minted += mints ? 1 : 0;
        return mints && minted === 1;
      };
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable: .* mint got no whole answer/);
      expect(alive()).toHaveLength(5);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toHaveLength(5);
      expect(alive()).toEqual(expect.arrayContaining(await tokensOf(world)));
    }),
  );

  it('gitea-oauth: changes no application but the one whose secret it holds', async () => {
    const application = {
      name: 'billing',
      redirect_uris: ['https://b.example/cb'],
      confidential_client: true,
    };
    const kept = structuredClone(application);
    const asked: unknown[] = [];
    const use = async ({ fixture, service, arn, alive }: World): Promise<void> => {
      service.interfere = ({ method }) => {
        asked.push(method);
        return false;
      };
      const before = alive();
      for (const immediately of [false, true]) {
        expect(await fixture.rotate(arn, { immediately })).toMatch(
          /^InvalidSecretField: .*"clientId" is not what mint would change.*Nothing was changed/,
        );
      }
      expect(asked).not.toContain('PATCH');
      expect(alive()).toEqual(before);
      expect(kept).toEqual(application);
    };
    const routes = giteaOAuthWith(kept, () => 'the-id-of-another-application');
    await withVendor('gitea-oauth', use, { routes });
  });

  it('gitea-oauth: replaces the client secret, keeps all else of the application, and heals a lost answer', async () => {
    const kept = {
      name: 'reports',
      redirect_uris: ['https://a.example/cb'],
      confidential_client: true,
      skip_secondary_authorization: true,
    };
    const before = structuredClone(kept);
    const use = async ({ fixture, service, arn, alive }: World): Promise<void> => {
      expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
      for (let time = 0; time < 2; time += 1) {
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(alive()).toEqual([(await fixture.read(arn)).clientSecret]);
      }
      let lost = 0;
      service.lose = ({ method }) => {
        lost += method === 'PATCH' ? 1 : 0;
        return method === 'PATCH' && lost === 1;
      };
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable: .* mint got no whole answer/);
      // Nobody knows the working secret. The owner of the application makes another one.
      expect(alive()).not.toContain((await fixture.read(arn)).clientSecret);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toEqual([(await fixture.read(arn)).clientSecret]);
      expect(kept).toEqual(before);
    };
    await withVendor('gitea-oauth', use, { routes: giteaOAuthWith(kept) });
  });

  it('github-app: rotates a token that has expired', () =>
    withVendor('github-app', async (world) => {
      const { fixture, service, arn, alive } = world;
      const [first] = service.store.list(account);
      service.store.revoke(account, first?.id ?? '');
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toEqual(await tokensOf(world));
    }));

  it('gitlab-self: replaces the token, and goes on from the one that lives when AWSPENDING was taken off it', () =>
    withVendor('gitlab-self', async (world) => {
      const { fixture, arn, alive } = world;
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toEqual([(await fixture.read(arn)).token]);

      fixture.functionClient.middlewareStack.add(
        (next, context) => (args) => {
          if (context.commandName === 'UpdateSecretVersionStageCommand') throw new Error('Not today.');
          return next(args);
        },
        { step: 'initialize', name: 'noMove' },
      );
      expect(await fixture.rotate(arn)).toMatch(/Not today/);
      fixture.functionClient.middlewareStack.remove('noMove');
      await fixture.clearPending(arn);
      expect(alive()).not.toContain((await fixture.read(arn)).token);
      expect(await fixture.rotate(arn, { token: randomUUID() })).toBeUndefined();
      expect(alive()).toEqual([(await fixture.read(arn)).token]);
    }));

  it('gitlab-self: never rotates with a token that was rotated already, which would end the newest', async () => {
    const reused = { count: 0 };
    const use = async ({ fixture, service, arn, alive }: World): Promise<void> => {
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await fixture.rotate(arn)).toBeUndefined();
      let lost = 0;
      service.lose = ({ url = '' }) => {
        lost += url.endsWith('/rotate') ? 1 : 0;
        return url.endsWith('/rotate') && lost === 1;
      };
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
      const [unknown] = alive();
      for (let time = 0; time < 2; time += 1) {
        expect(await fixture.rotate(arn)).toMatch(/^(NoCredentialAccepted|PermissionDenied)/);
        await fixture.clearPending(arn);
      }
      expect(reused.count).toBe(0);
      expect(alive()).toEqual([unknown]);
      // Somebody makes a token by hand and stores it: all goes on.
      const byHand = service.store.issue(account, 'by hand again');
      await fixture.put(arn, { ...(await fixture.read(arn)), token: byHand?.token, tokenId: byHand?.id });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toContain((await fixture.read(arn)).token);
      expect(reused.count).toBe(0);
    };
    await withVendor('gitlab-self', use, { routes: gitLabSelfWith(reused) });
  });

  it('entra: goes on from a secret that is refused, and not from a token request that fails', () =>
    withVendor('entra', async (world) => {
      const { fixture, service, arn, alive } = world;
      await fixture.put(arn, { ...(await fixture.read(arn)), clientSecret: 'no-such-secret' });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toEqual(expect.arrayContaining(await tokensOf(world)));
      service.interfere = ({ url = '' }, response) => {
        if (!url.endsWith('/token')) return false;
        response.writeHead(400).end(JSON.stringify({ error: 'unauthorized_client', about: 'canary' }));
        return true;
      };
      const failure = await fixture.rotate(arn);
      expect(failure).toMatch(/^TargetFailed: .*the token request of \w+ was answered 400/);
      expect(failure).not.toContain('canary');
    }));

  it('entra: goes on with a new secret that was refused at first', () =>
    withVendor('entra', async (world) => {
      const { fixture, service, arn, alive } = world;
      const { find } = service.store;
      service.store.find = (token) => (alive().indexOf(token ?? '') > 0 ? undefined : find(token));
      expect(await fixture.rotate(arn)).toMatch(/^PendingRefused/);
      service.store.find = find;
      const both = alive();
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(both).toEqual(await tokensOf(world));
      expect(alive()).toEqual(both);
    }));

  it('gitlab: mints for nobody but the user whose token the secret holds', () =>
    withVendor('gitlab', async ({ fixture, arn, alive }) => {
      await fixture.put(arn, { ...(await fixture.read(arn)), userId: 1 });
      expect(await fixture.rotate(arn)).toMatch(
        /^InvalidSecretField: The secret's "userId" is not the account/,
      );
      expect(alive()).toHaveLength(1);
    }));

  it.each(['cloudflare', 'cloudflare-account'])('%s: takes a disabled token for refused', (name) => {
    const dead = new Map<string, string>();
    const owned = name === 'cloudflare' ? '/client/v4/user/tokens' : '/client/v4/accounts/an-account/tokens';
    return withVendor(
      name,
      async ({ fixture, service, arn, alive }) => {
        const [byHand] = service.store.list(account);
        dead.set(byHand?.id ?? '', 'disabled');
        // The admin secret names the user, so the admin may mint, and the rotation heals.
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(alive()).toContain((await fixture.read(arn)).token);
        const { issue } = service.store;
        service.store.issue = (...given) => {
          const issued = issue(...given);
          dead.set(issued?.id ?? '', 'expired');
          return issued;
        };
        const before = (await fixture.read(arn)).token;
        expect(await fixture.rotate(arn)).toMatch(/^PendingRefused/);
        expect((await fixture.read(arn)).token).toBe(before);
      },
      { routes: cloudflareAt(name, owned, dead) },
    );
  });

  it('entra: does not take 400 for gone, since it is also said of a secret that is there', () => {
    const lag = { calls: 0 };
    return withVendor(
      'entra',
      async ({ fixture, service, arn, alive }) => {
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(await fixture.rotate(arn)).toBeUndefined();
        const before = alive();
        // The newest token was minted and not stored. The server says that there is no such token.
        service.lose = ({ url = '' }) => url.endsWith('/addPassword');
        expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
        service.lose = () => false;
        expect(alive()).toHaveLength(before.length + 1);
        lag.calls = 0;
        const { list } = service.store;
        const orphan = alive().at(-1);
        service.store.list = (of) => {
          // The orphan is the newest token, until it is revoked.
          const all = list(of);
          const found = all.find(({ token }) => token === orphan);
          return found === undefined ? all : [...all.filter((one) => one !== found), found];
        };
        lag.calls = 1;
        expect(await fixture.rotate(arn)).toMatch(/^TargetFailed: .*No password credential found/);
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(alive()).not.toContain(orphan);
      },
      { routes: entraRoutes('entra', 'https://graph.microsoft.com', lag) },
    );
  });

  it('github-app: is asked again after a 403 that is a limit, and not after one that is a missing right', () =>
    withVendor('github-app', async ({ fixture, service, arn }) => {
      const limited: string[] = [];
      service.interfere = ({ method, url = '' }, response) => {
        const request = `${method} ${url}`;
        if (limited.includes(request)) return false;
        limited.push(request);
        response.writeHead(403, { 'retry-after': '0' }).end('{"message": "secondary rate limit"}');
        return true;
      };
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(limited.length).toBeGreaterThan(1);
      service.interfere = ({ method }, response) => {
        if (method !== 'POST') return false;
        response.writeHead(403).end('{"message": "This installation has been suspended"}');
        return true;
      };
      expect(await fixture.rotate(arn)).toMatch(
        /^PermissionDenied: .*the admin secret.* 403: This installation has been suspended/,
      );
    }));

  it.each<[number, string, Record<string, string>]>([
    [403, 'You have exceeded a secondary rate limit.', {}],
    [403, 'You have exceeded a secondary rate limit.', { 'retry-after': '3600' }],
    [403, 'You have triggered an abuse detection mechanism.', {}],
    [403, 'API rate limit exceeded for installation ID 7.', {}],
    [403, 'Anything', { 'x-ratelimit-remaining': '0' }],
    [429, 'Anything', {}],
  ])('github-app: %i "%s" %o is a limit at each call', (status, message, headers) =>
    withVendor('github-app', async ({ fixture, service, arn, alive }) => {
      const before = alive();
      for (const limited of ['POST', 'GET']) {
        service.interfere = ({ method }, response) => {
          if (method !== limited) return false;
          response.writeHead(status, headers).end(JSON.stringify({ message }));
          return true;
        };
        expect(await fixture.rotate(arn)).toMatch(/^TargetBusy/);
      }
      service.interfere = () => false;
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(alive()).toEqual(expect.arrayContaining(before));
    }),
  );

  it('github-app: narrows what a token may do, where the admin secret says so', async () => {
    const granted: Record<string, unknown> = {};
    const routes = gitHubWith(0, granted);
    await withVendor('github-app', ({ fixture, arn }) => rotated(fixture, arn), { routes });
    expect(granted).toEqual({ repositories: undefined, repository_ids: undefined, permissions: undefined });
    const narrowed = { repositories: ['docs'], permissions: { contents: 'read' } };
    const admin = { ...vendors['github-app']?.admin, ...narrowed };
    await withVendor('github-app', ({ fixture, arn }) => rotated(fixture, arn), { routes, admin });
    expect(granted).toEqual({ ...narrowed, repository_ids: undefined });
  });

  it.each([-3_600_000, 3_600_000])(
    "github-app: signs by the server's clock, which differs by %i ms",
    (clockAheadMs) =>
      withVendor('github-app', ({ fixture, arn }) => rotated(fixture, arn), {
        routes: gitHubWith(clockAheadMs),
      }),
  );

  it('grafana: tells that a token may not live so long, and takes the days from the admin secret', async () => {
    const routes = grafanaWith(90 * 86_400);
    await withVendor(
      'grafana',
      async ({ fixture, arn, alive }) => {
        expect(await fixture.rotate(arn)).toMatch(
          /^TargetFailed: .*mint was answered 400: Number of seconds before expiration is greater than the global limit/,
        );
        expect(alive()).toHaveLength(1);
      },
      { routes },
    );
    const admin = { ...vendors.grafana?.admin, lifetimeDays: 90 };
    await withVendor(
      'grafana',
      async ({ fixture, arn }) => {
        await rotated(fixture, arn);
        const days = (Date.parse(String((await fixture.read(arn)).expiresAt)) - Date.now()) / 86_400_000;
        expect(Math.round(days)).toBe(90);
      },
      { routes, admin },
    );
  });

  it.each([
    ['gitlab', 'https://gitlab.com', /must not be gitlab\.com: .*gitlab-service-account/],
    ['gitlab', 'https://GITLAB.com.', /must not be gitlab\.com: .*gitlab-service-account/],
    ['npm', 'https://registry.npmjs.org', /must not be registry\.npmjs\.org: .*one-time password/],
    ['npm', 'registry.npmjs.org.', /must not be registry\.npmjs\.org: .*one-time password/],
    ['npm', 'registry.yarnpkg.com', /one-time password/],
    ['npm', 'https://npm.pkg.github.com', /github-app/],
    ['npm', 'https://ours.jfrog.io/artifactory/api/npm/npm', /Artifactory/],
    ['npm', 'https://europe-npm.pkg.dev/project/repository', /Google Cloud/],
  ])('%s: says that it can not work at %s', (name, host, problem) =>
    withVendor(name, async ({ fixture, arn }) => {
      await fixture.put(arn, { ...(await fixture.read(arn)), host });
      expect(await fixture.rotate(arn)).toMatch(problem);
    }),
  );

  it('npm: says before the first rotation that it finds no lost token, and finds it in a dedicated account', async () => {
    const shared = { username: account, password: adminToken };
    const loseMint = async ({ fixture, service, arn }: World): Promise<void> => {
      let lost = 0;
      service.lose = ({ method }) => {
        lost += method === 'POST' ? 1 : 0;
        return method === 'POST' && lost === 1;
      };
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
      expect(await fixture.rotate(arn)).toBeUndefined();
    };
    await withVendor(
      'npm',
      async (world) => {
        const { fixture, arn, alive } = world;
        expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
        expect(fixture.recorded.notes.join()).toMatch(
          /lost answers: ok: .*works until .*"dedicated": true in the admin secret/,
        );
        await loseMint(world);
        // The one that was made by hand, the lost one, and the new one.
        expect(alive()).toHaveLength(3);
      },
      { admin: shared },
    );
    await withVendor('npm', async (world) => {
      const { fixture, arn, alive } = world;
      expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
      expect(fixture.recorded.notes.join()).not.toMatch(/lost answers/);
      await loseMint(world);
      expect(alive()).toEqual(await tokensOf(world));
    });
  });

  it('npm: blames the admin secret where that is refused', () =>
    withVendor(
      'npm',
      async ({ fixture, arn }) => {
        expect(await fixture.rotate(arn, { immediately: false })).toMatch(/^PreflightFailed: .*admin login/);
        expect(await fixture.rotate(arn)).toMatch(/^PermissionDenied: .*mint, made by the admin secret/);
      },
      { admin: { username: account, password: 'another-password' } },
    ));
});

async function rotated(fixture: RotationFixture, arn: string): Promise<void> {
  expect(await fixture.rotate(arn)).toBeUndefined();
}
