import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { manualClock } from '../src/local/index.ts';
import { startTestSecretsManager } from '../src/testing/secrets.ts';
import { deploy, rotateWith } from './support/deployed.ts';
import { eventually } from './support/eventually.ts';
import { startOAuthServer } from './support/oauth/server.ts';
import { canLogIn, createLogin, loginOf, secretOf } from './support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from './support/rotation-fixture.ts';
import { accountApi, accountRoutes, robotSecret } from './support/token-service/accounts.ts';
import { startTokenService } from './support/token-service/server.ts';

describe('the deployed function', () => {
  let fixture: RotationFixture;
  let folder: string;
  let caFile: string;
  let apisFile: string;
  beforeAll(async () => {
    fixture = await startFixture();
    folder = await mkdtemp(join(tmpdir(), 'keyturn-lambda-'));
    caFile = join(folder, 'ca.pem');
    await writeFile(caFile, inject('postgres').ca);
    apisFile = join(folder, 'apis.json');
    await writeFile(apisFile, JSON.stringify([accountApi('token')]));
  });
  afterAll(async () => {
    await fixture.close();
    await rm(folder, { recursive: true });
  });

  it("rotates, set up by AWS's variables and Keyturn's own", async () => {
    const deployed = deploy({
      SECRETS_MANAGER_ENDPOINT: fixture.local.url,
      KEYTURN_CA_FILE: caFile,
      PASSWORD_LENGTH: '20',
      EXCLUDE_PUNCTUATION: 'Yes',
      EXCLUDE_LOWERCASE: 'no',
    });
    try {
      const login = await createLogin();
      const { arn, failure } = await rotateWith(fixture, deployed, secretOf(login));
      expect(failure).toBeUndefined();
      const rotated = await fixture.read(arn);
      expect(rotated.password).toMatch(/^[A-Za-z0-9]{20}$/);
      expect([await canLogIn(loginOf(rotated)), await canLogIn(login)]).toEqual([true, false]);
      expect(deployed.output()).toContain('"Rotation step ended"');
      expect(deployed.output()).not.toContain(String(rotated.password));
    } finally {
      deployed.stop();
    }
  });

  it('rotates a token of OAuth, and revokes the old one at once where it is told so', async () => {
    const server = await startOAuthServer({ leewayMs: 0 });
    const deployed = deploy({
      SECRETS_MANAGER_ENDPOINT: fixture.local.url,
      KEYTURN_CA_FILE: caFile,
      KEYTURN_ROTATOR: 'oauth/client-credentials',
      KEYTURN_REVOCATION: 'at-once',
    });
    try {
      const secret = await server.serviceClient();
      const { arn, failure } = await rotateWith(fixture, deployed, secret);
      expect(failure).toBeUndefined();
      const { access_token } = await fixture.read(arn);
      expect(await server.alive(secret.client_id)).toContain(`ClientCredentials ${access_token}`);
      expect(await server.alive(secret.client_id)).not.toContain(`ClientCredentials ${secret.access_token}`);
    } finally {
      deployed.stop();
      await server.stop();
    }
  });

  it('rotates a token of an API that a file of its bundle describes', async () => {
    const service = await startTokenService(accountRoutes);
    const deployed = deploy({
      SECRETS_MANAGER_ENDPOINT: fixture.local.url,
      KEYTURN_API_TOKENS_FILE: apisFile,
      KEYTURN_ROTATOR: 'api-token/service',
      KEYTURN_REVOCATION: 'at-once',
    });
    try {
      const secret = robotSecret(service);
      const { arn, failure } = await rotateWith(fixture, deployed, secret);
      expect(failure).toBeUndefined();
      expect(service.store.list('robot').map((one) => one.token)).toEqual([(await fixture.read(arn)).token]);
      expect(deployed.output()).not.toContain(String(secret.token));
    } finally {
      deployed.stop();
      await service.stop();
    }
  });

  it('revokes a token whose hours are over, when it is asked by an event', async () => {
    const twoHoursAgo = manualClock(Date.now() - 7_200_000);
    const [service, then] = await Promise.all([
      startTokenService(accountRoutes),
      startFixture({ rotators: [] }, 0, (delaysMs) => startTestSecretsManager(delaysMs, twoHoursAgo)),
    ]);
    const deployed = deploy({
      SECRETS_MANAGER_ENDPOINT: then.local.url,
      KEYTURN_API_TOKENS_FILE: apisFile,
      KEYTURN_ROTATOR: 'api-token/service',
      KEYTURN_REVOCATION: '1h',
    });
    const alive = () => service.store.list('robot').map(({ token }) => token);
    try {
      const secret = robotSecret(service);
      const { arn, failure } = await rotateWith(then, deployed, secret);
      expect(failure).toBeUndefined();
      const current = (await then.read(arn)).token;
      expect(alive()).toEqual([secret.token, current]);
      await deployed.invoke({ Step: 'revokePrevious', SecretId: arn });
      expect(alive()).toEqual([current]);
    } finally {
      deployed.stop();
      await then.close();
      await service.stop();
    }
  });

  it.each([
    [
      'PASSWORD_LENGTH',
      { PASSWORD_LENGTH: 'long' },
      /InvalidConfiguration: PASSWORD_LENGTH must be a whole number/,
    ],
    [
      'KEYTURN_CA_FILE',
      { KEYTURN_CA_FILE: 'missing.pem' },
      /InvalidConfiguration: KEYTURN_CA_FILE can not be read/,
    ],
    [
      'a password policy',
      { EXCLUDE_NUMBERS: '1', EXCLUDE_PUNCTUATION: '1', EXCLUDE_UPPERCASE: '1', EXCLUDE_LOWERCASE: '1' },
      /PasswordImpossible/,
    ],
    [
      'KEYTURN_API_TOKENS_FILE',
      { KEYTURN_API_TOKENS_FILE: 'package.json' },
      /InvalidConfiguration: KEYTURN_API_TOKENS_FILE holds no JSON list/,
    ],
    [
      'KEYTURN_ROTATOR',
      { KEYTURN_ROTATOR: 'mars' },
      /InvalidConfiguration: KEYTURN_ROTATOR names .* Set it to one of: postgres, /,
    ],
    [
      'USERNAME_CHARACTER_LIMIT',
      { USERNAME_CHARACTER_LIMIT: '81' },
      /InvalidConfiguration: USERNAME_CHARACTER_LIMIT/,
    ],
    ['KEYTURN_TRACING', { KEYTURN_TRACING: 'mars' }, /InvalidConfiguration: KEYTURN_TRACING/],
    ['KEYTURN_REVOCATION', { KEYTURN_REVOCATION: '0h' }, /InvalidConfiguration: KEYTURN_REVOCATION/],
    [
      'SECRETS_MANAGER_ENDPOINT',
      { SECRETS_MANAGER_ENDPOINT: 'localhost:4584' },
      /InvalidConfiguration: SECRETS_MANAGER_ENDPOINT is no URL/,
    ],
  ])('answers a broken %s with one typed error, at its first invocation', async (_, environment, message) => {
    const deployed = deploy({
      SECRETS_MANAGER_ENDPOINT: fixture.local.url,
      KEYTURN_CA_FILE: caFile,
      ...environment,
    });
    try {
      const { failure } = await rotateWith(fixture, deployed, secretOf(await createLogin()));
      expect(failure).toMatch(message);
      expect(deployed.output()).not.toContain('Rotation step started');
    } finally {
      deployed.stop();
    }
  });

  it.each([
    // An address reserved for documentation: nobody answers there, as in a VPC without a way out.
    ['nobody can be reached', 'http://192.0.2.1'],
    ['nobody listens', 'http://127.0.0.1:9'],
  ])('names what a function in a VPC needs where %s', async (_, endpoint) => {
    const deployed = deploy({ SECRETS_MANAGER_ENDPOINT: endpoint, AWS_MAX_ATTEMPTS: '1' });
    try {
      const event = { SecretId: 'prod/db', ClientRequestToken: 'x'.repeat(32), Step: 'createSecret' };
      const failure = await deployed.invoke(event).catch((error: unknown) => String(error));
      expect(failure).toMatch(
        /(SecretsManagerUnreachable|DeadlineExceeded): secretsmanager:DescribeSecret of prod\/db (failed|had no answer)/,
      );
      expect(failure).toContain('interface endpoint');
      expect(failure).toContain('NAT');
      expect(failure).toContain('security group');
    } finally {
      deployed.stop();
    }
  });

  it('says what it waited for when its time ran out', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const deployed = deploy({
      SECRETS_MANAGER_ENDPOINT: `http://127.0.0.1:${port}`,
      KEYTURN_TEST_TIME_MS: '1500',
    });
    try {
      const event = { SecretId: 'prod/db', ClientRequestToken: 'x'.repeat(32), Step: 'createSecret' };
      const failure = await deployed.invoke(event).catch((error: unknown) => String(error));
      expect(failure).toContain(
        'DeadlineExceeded: secretsmanager:DescribeSecret of prod/db had no answer in time',
      );
      expect(failure).toContain('interface endpoint');
    } finally {
      deployed.stop();
      silent.close();
    }
  });

  it('traces each remote call where tracing is on, and sends no secret there', async () => {
    const daemon: Socket = createSocket('udp4');
    let traced = '';
    daemon.on('message', (message) => {
      traced += message.toString();
    });
    daemon.bind(0, '127.0.0.1');
    await once(daemon, 'listening');
    const deployed = deploy({
      SECRETS_MANAGER_ENDPOINT: fixture.local.url,
      KEYTURN_CA_FILE: caFile,
      POWERTOOLS_TRACE_ENABLED: 'true',
      AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
      LAMBDA_TASK_ROOT: folder,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      TMPDIR: folder,
    });
    try {
      const login = await createLogin();
      const { arn, failure } = await rotateWith(fixture, deployed, secretOf(login));
      expect(failure).toBeUndefined();
      await eventually(() => {
        for (const name of [
          'SecretsManager DescribeSecret',
          'SecretsManager PutSecretValue',
          'postgres open',
          'postgres change',
        ]) {
          expect(traced).toContain(`"name":"${name}"`);
        }
      });
      const rotated = await fixture.read(arn);
      for (const secret of [login.password, String(rotated.password)]) expect(traced).not.toContain(secret);
    } finally {
      deployed.stop();
      daemon.close();
    }
  });
});
