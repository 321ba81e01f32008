import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import {
  type Bundle,
  bundleLambda,
  chunkFor,
  lambdaBuild,
  loadedWith,
  sizeWithoutRotators,
} from '../../bench/support/bundle.ts';
import { makeCertificate } from '../support/certificate.ts';
import { deploy, rotateWith } from '../support/deployed.ts';
import { startOAuthServer } from '../support/oauth/server.ts';
import { canLogIn, createLogin, loginOf, secretOf } from '../support/postgres-fixtures.ts';
import { startFixture } from '../support/rotation-fixture.ts';
import { standInHarness } from '../support/tds/harness.ts';
import { readTemplate } from '../support/template.ts';
import { accountApi, accountRoutes, robotSecret } from '../support/token-service/accounts.ts';
import { startTokenService } from '../support/token-service/server.ts';

/** What a cold start for Postgres may load, from docs/performance.md. */
const POSTGRES_BUDGET_BYTES = 700_000;
/** In one file, from docs/performance.md. */
const NO_ROTATOR_BUDGET_BYTES = 400_000;

describe('the bundle of the deployed function', () => {
  let folder: string;
  let bundle: Bundle;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-bundle-'));
    bundle = await bundleLambda(join(folder, 'bundle'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is made as the template has SAM make it', async () => {
    const { RotationFunction } = (await readTemplate()).Resources;
    expect(RotationFunction?.Metadata).toEqual({
      BuildMethod: 'esbuild',
      BuildProperties: {
        EntryPoints: ['src/lambda.ts'],
        Format: lambdaBuild.format,
        Target: lambdaBuild.target,
        Minify: lambdaBuild.minify,
        Splitting: true,
        sourcemap: 'external',
        MainFields: lambdaBuild.mainFields.join(),
        OutExtension: [`.js=${lambdaBuild.outExtension['.js']}`],
        Banner: [`js=${lambdaBuild.banner.js}`],
      },
    });
  });

  it('has no more than its budget with no rotator in it', async () => {
    const bytes = await sizeWithoutRotators();
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThanOrEqual(NO_ROTATOR_BUDGET_BYTES);
  });

  it('loads no more than its budget for Postgres, and nothing of SQL Server', () => {
    const loaded = new Set([
      ...loadedWith(bundle, bundle.entry),
      ...loadedWith(bundle, chunkFor(bundle, 'pg')),
    ]);
    const bytes = [...loaded].reduce((sum, chunk) => sum + chunk.bytes, 0);
    expect(bytes).toBeLessThanOrEqual(POSTGRES_BUDGET_BYTES);
    const packages = new Set([...loaded].flatMap((chunk) => [...chunk.packages.keys()]));
    expect(packages).toContain('pg');
    expect(packages).toContain('@aws-sdk/client-secrets-manager');
    const others = [
      'tedious',
      '@aws-sdk/client-rds',
      'aws-xray-sdk-core',
      '@mongodb-js/saslprep',
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
