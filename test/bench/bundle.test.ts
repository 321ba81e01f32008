import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { type Bundle, bundleLambda, chunkFor, loadedWith } from '../../bench/support/bundle.ts';
import { deploy, rotateWith } from '../support/deployed.ts';
import { canLogIn, createLogin, loginOf, secretOf } from '../support/postgres-fixtures.ts';
import { startFixture } from '../support/rotation-fixture.ts';

/** What a cold start for Postgres may load, from docs/performance.md. */
const POSTGRES_BUDGET_BYTES = 700_000;

describe('the bundle of the deployed function', () => {
  let folder: string;
  let bundle: Bundle;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-bundle-'));
    bundle = await bundleLambda(join(folder, 'bundle'));
  });
  afterAll(() => rm(folder, { recursive: true }));

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
    for (const name of ['tedious', '@aws-sdk/client-rds', 'aws-xray-sdk-core', '@mongodb-js/saslprep']) {
      expect(packages).not.toContain(name);
    }
  });

  it('rotates a Postgres secret, with the other drivers gone', async () => {
    for (const name of ['tedious', '@aws-sdk/client-rds']) await rm(chunkFor(bundle, name).file);
    const fixture = await startFixture();
    onTestFinished(() => fixture.close());
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, inject('postgres').ca);
    const deployed = deploy(
      { SECRETS_MANAGER_ENDPOINT: fixture.local.url, KEYTURN_CA_FILE: caFile },
      pathToFileURL(bundle.entry.file),
    );
    onTestFinished(() => deployed.stop());
    const login = await createLogin();
    const { arn, failure } = await rotateWith(fixture, deployed, secretOf(login));
    expect(failure).toBeUndefined();
    const rotated = await fixture.read(arn);
    expect([await canLogIn(loginOf(rotated)), await canLogIn(login)]).toEqual([true, false]);
  });
});
