import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import {
  type Bundle,
  bundleLambda,
  chunkFor,
  loadedWith,
  sizeWithoutRotators,
} from '../../bench/support/bundle.ts';
import { makeSourceMaps, sourcePosition } from '../../scripts/source-maps.ts';
import { mysqlHarness } from '../rotators/mysql/harness.ts';
import { makeCertificate } from '../support/certificate.ts';
import { deploy, rotateWith } from '../support/deployed.ts';
import { missingServer, startMysql } from '../support/mysql-server.ts';
import { startOAuthServer } from '../support/oauth/server.ts';
import { canLogIn, createLogin, loginOf, secretOf } from '../support/postgres-fixtures.ts';
import { startFixture } from '../support/rotation-fixture.ts';
import { standInHarness } from '../support/tds/harness.ts';
import { accountApi, accountRoutes, robotSecret } from '../support/token-service/accounts.ts';
import { startTokenService } from '../support/token-service/server.ts';

/** What a cold start for Postgres may load, from docs/performance.md. */
const postgresBudgetBytes = 700_000;
/** In one file, from docs/performance.md. */
const noRotatorBudgetBytes = 400_000;

describe('the bundle of the deployed function', () => {
  let folder: string;
  let bundle: Bundle;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-bundle-'));
    bundle = await bundleLambda(join(folder, 'bundle'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is the same, byte for byte, wherever it is built', async () => {
    const again = await bundleLambda(join(folder, 'elsewhere', 'again'));
    const digests = async ({ chunks }: Bundle) =>
      Object.fromEntries(
        await Promise.all(
          [...chunks.keys()].map(async (file) => [
            basename(file),
            createHash('sha256')
              .update(await readFile(file))
              .digest('hex'),
          ]),
        ),
      );
    expect(await digests(again)).toEqual(await digests(bundle));
  });

  it('has no source maps in it, and each file has one that is made on request', async () => {
    const maps = await makeSourceMaps();
    const files = await readdir(join(folder, 'bundle'));
    expect(files.filter((name) => !name.endsWith('.mjs'))).toEqual([]);
    expect([...maps.keys()].sort()).toEqual(files.sort());
    const lines = (await readFile(bundle.entry.file, 'utf8')).split('\n');
    const message = 'KEYTURN_REVOCATION has an unknown value.';
    const line = lines.findIndex((text) => text.includes(message));
    const position = `file:///var/task/lambda.mjs:${line + 1}:${(lines[line] ?? '').indexOf(message) + 1}`;
    const source = sourcePosition(maps, position);
    expect(source).toMatch(/^src\/lambda\.ts:\d+:\d+$/);
    const found = Number(source?.split(':')[1]);
    const sources = (await readFile('src/lambda.ts', 'utf8')).split('\n');
    expect(sources.slice(found - 3, found + 2).join('\n')).toContain(message);
    expect(sourcePosition(maps, 'lambda.mjs:1')).toBeUndefined();
    expect(sourcePosition(maps, 'other.mjs:1:1')).toBeUndefined();
  });

  it('has no more than its budget with no rotator in it', async () => {
    const bytes = await sizeWithoutRotators();
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThanOrEqual(noRotatorBudgetBytes);
  });

  it('loads no more than its budget for Postgres, and nothing of SQL Server', () => {
    const loaded = new Set([
      ...loadedWith(bundle, bundle.entry),
      ...loadedWith(bundle, chunkFor(bundle, 'pg')),
    ]);
    const bytes = [...loaded].reduce((sum, chunk) => sum + chunk.bytes, 0);
    expect(bytes).toBeLessThanOrEqual(postgresBudgetBytes);
    const packages = new Set([...loaded].flatMap((chunk) => [...chunk.packages.keys()]));
    expect(packages).toContain('pg');
    expect(packages).toContain('@aws-sdk/client-secrets-manager');
    const others = [
      'tedious',
      'mysql2',
      'ioredis',
      '@aws-sdk/client-rds',
      'aws-xray-sdk-core',
      '@mongodb-js/saslprep',
      '@opentelemetry/api',
      'oauth4webapi',
      'undici',
    ];
    for (const name of others) {
      expect(packages).not.toContain(name);
    }
  });

  /** Starts the bundle as Lambda would, trusting `ca`. */
  async function deployBundle(ca: string, environment: Readonly<Record<string, string>> = {}) {
    const fixture = await startFixture();
    onTestFinished(() => fixture.close());
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, ca);
    const deployed = deploy(
      { SECRETS_MANAGER_ENDPOINT: fixture.local.url, KEYTURN_CA_FILE: caFile, ...environment },
      pathToFileURL(bundle.entry.file),
    );
    onTestFinished(() => deployed.stop());
    return { fixture, deployed };
  }

  it('rotates a SQL Server secret', async () => {
    const harness = await standInHarness();
    onTestFinished(() => harness.stop());
    const { fixture, deployed } = await deployBundle(harness.standIn.ca);
    const login = await harness.createLogin();
    const { arn, failure } = await rotateWith(fixture, deployed, harness.secretOf(login));
    expect(failure).toBeUndefined();
    const rotated = loginOf(await fixture.read(arn));
    expect([await harness.canLogIn(rotated), await harness.canLogIn(login)]).toEqual([true, false]);
  });

  it('rotates a MySQL or MariaDB secret', async ({ skip }) => {
    const flavour = (['mysql', 'mariadb'] as const).find((each) => missingServer(each) === undefined);
    if (flavour === undefined) return skip(missingServer('mariadb'));
    const server = await startMysql(flavour);
    onTestFinished(server.stop);
    const { fixture, deployed } = await deployBundle(server.ca);
    const harness = mysqlHarness(server, flavour === 'mysql' ? 'own right' : 'nobody');
    const { secret } = await harness.account();
    const { arn, failure } = await rotateWith(fixture, deployed, secret);
    expect(failure).toBeUndefined();
    const { rotator } = harness;
    const context = { signal: new AbortController().signal, note: () => undefined };
    const session = await rotator.open(rotator.parse(await fixture.read(arn)), context);
    expect(session).toBeDefined();
    await session?.close();
  });

  it('rotates an API token, by an authority of its own', async () => {
    const tls = await makeCertificate();
    const service = await startTokenService(accountRoutes, tls);
    onTestFinished(() => service.stop());
    const described = join(folder, 'apis.json');
    await writeFile(described, JSON.stringify([accountApi('token')]));
    const { fixture, deployed } = await deployBundle(tls.cert, {
      KEYTURN_API_TOKENS_FILE: described,
      KEYTURN_ROTATOR: 'api-token/service',
    });
    const secret = robotSecret(service);
    const { arn, failure } = await rotateWith(fixture, deployed, secret);
    expect(failure).toBeUndefined();
    const alive = service.store.list('robot').map((one) => one.token);
    expect(alive).toEqual([secret.token, (await fixture.read(arn)).token]);
  });

  it('rotates an OAuth token', async () => {
    const server = await startOAuthServer({ leewayMs: 0 });
    onTestFinished(() => server.stop());
    const { fixture, deployed } = await deployBundle((await makeCertificate()).cert, {
      KEYTURN_ROTATOR: 'oauth/client-credentials',
    });
    const secret = await server.serviceClient();
    const { arn, failure } = await rotateWith(fixture, deployed, secret);
    expect(failure).toBeUndefined();
    const { access_token } = await fixture.read(arn);
    expect(await server.alive(secret.client_id)).toContain(`ClientCredentials ${access_token}`);
  });

  it('rotates a Postgres secret while traced, with the other drivers gone', async () => {
    for (const name of ['tedious', '@aws-sdk/client-rds']) await rm(chunkFor(bundle, name).file);
    const { fixture, deployed } = await deployBundle(inject('postgres').ca, {
      POWERTOOLS_TRACE_ENABLED: 'true',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    });
    const login = await createLogin();
    const { arn, failure } = await rotateWith(fixture, deployed, secretOf(login));
    expect(failure).toBeUndefined();
    const rotated = loginOf(await fixture.read(arn));
    expect([await canLogIn(rotated), await canLogIn(login)]).toEqual([true, false]);
  });
});
